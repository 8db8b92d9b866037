"use client";

import { type FormEvent, useState } from "react";
import { Alert } from "@/components/alert";
import { ChoiceField, Field } from "@/components/field";
import { Button } from "@/components/ui/button";
import {
  type BudgetValues,
  type Limit,
  limits,
  limitsOf,
  subjects,
  valuesOf,
  whoseOf,
} from "@/features/admin/budgets/values";
import { formErrors, noErrors, type Rules } from "@/features/auth/form-errors";
import type { TextKey } from "@/features/locale/catalogue";
import { useLocale } from "@/features/locale/locale";
import type { Budget, BudgetChange } from "@/lib/api/types";
import { useErrorFocus } from "@/lib/use-error-focus";

const fields: Record<Limit, { text: TextKey; rule: TextKey }> = {
  requests_per_minute: { text: "budgets.requests_per_minute", rule: "budgets.minute_rule" },
  tokens_per_minute: { text: "budgets.tokens_per_minute", rule: "budgets.minute_rule" },
  tokens_per_day: { text: "budgets.tokens_per_day", rule: "budgets.tokens_rule" },
  tokens_per_month: { text: "budgets.tokens_per_month", rule: "budgets.tokens_rule" },
  cost_per_day: { text: "budgets.dollars_per_day", rule: "budgets.cost_rule" },
  cost_per_month: { text: "budgets.dollars_per_month", rule: "budgets.cost_rule" },
};

const rules: Rules = {
  ...Object.fromEntries(limits.map((name) => [name, fields[name].rule])),
  username: "budgets.no_person",
};

const shown = [...limits, "username", "subject"];

const subjectTexts = {
  all: "budgets.subject_all",
  "each-user": "budgets.subject_each_user",
  user: "budgets.subject_user",
  "each-token": "budgets.subject_each_token",
} as const;

interface BudgetFormProps {
  /** The budget that is changed, which stays whose it is; none where one is added. */
  budget?: Budget;
  onSave: (values: BudgetValues, change: BudgetChange) => Promise<void>;
  onCancel: () => void;
}

/** Whom it is for, and what may be used. */
export function BudgetForm({ budget, onSave, onCancel }: BudgetFormProps) {
  const { t } = useLocale();
  const [values, setValues] = useState(() => valuesOf(budget));
  const [errors, setErrors] = useState(noErrors);
  const [busy, setBusy] = useState(false);
  const form = useErrorFocus(errors);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (values.subject === "user" && !values.username.trim()) {
      return setErrors({ fields: { username: t("auth.required_field") } });
    }
    const change = limitsOf(values);
    if (!change) return setErrors({ form: t("budgets.no_limit"), fields: {} });
    setBusy(true);
    setErrors(noErrors);
    try {
      await onSave(values, change);
    } catch (error) {
      setErrors(formErrors(t, error, shown, rules));
      setBusy(false);
    }
  }

  return (
    <form
      ref={form}
      onSubmit={submit}
      noValidate
      className="grid grid-cols-[minmax(0,1fr)] gap-5 rounded-lg border p-4"
      data-testid="budget-form"
    >
      {errors.form && <Alert>{errors.form}</Alert>}
      {budget && <h3 className="truncate font-medium text-sm">{whoseOf(t, budget)}</h3>}
      {!budget && (
        <div className="grid items-start gap-5 sm:grid-cols-2">
          <ChoiceField
            label={t("budgets.subject")}
            autoFocus
            value={values.subject}
            error={errors.fields.subject}
            onChange={({ target }) => {
              const subject = subjects.find((each) => each === target.value);
              if (subject) setValues({ ...values, subject });
            }}
            data-testid="budget-subject"
          >
            {subjects.map((subject) => (
              <option key={subject} value={subject}>
                {t(subjectTexts[subject])}
              </option>
            ))}
          </ChoiceField>
          {values.subject === "user" && (
            <Field
              label={t("auth.username")}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              value={values.username}
              error={errors.fields.username}
              onChange={(event) => setValues({ ...values, username: event.target.value })}
              data-testid="budget-username"
            />
          )}
        </div>
      )}
      <fieldset className="grid min-w-0 gap-3">
        <legend className="sr-only">{t("budgets.limits")}</legend>
        <div className="grid items-start gap-x-5 gap-y-4 sm:grid-cols-2">
          {limits.map((name) => (
            <Field
              key={name}
              label={t(fields[name].text)}
              inputMode={name.startsWith("cost") ? "decimal" : "numeric"}
              autoComplete="off"
              autoFocus={budget !== undefined && name === limits[0]}
              placeholder={t("budgets.unlimited")}
              value={values.limits[name]}
              error={errors.fields[name]}
              onChange={(event) => setValues({ ...values, limits: { ...values.limits, [name]: event.target.value } })}
              data-testid={`budget-${name}`}
            />
          ))}
        </div>
        <p className="text-muted-foreground text-xs">{t("budgets.limits_hint")}</p>
      </fieldset>
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t("app.cancel")}
        </Button>
        <Button type="submit" disabled={busy} data-testid="save-budget">
          {t(budget ? "app.save" : "budgets.add")}
        </Button>
      </div>
    </form>
  );
}
