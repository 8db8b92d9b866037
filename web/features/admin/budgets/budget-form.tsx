"use client";

import { useState } from "react";
import { ChoiceField, Field, FormFrame } from "@/components/form";
import {
  type BudgetValues,
  type Limit,
  limits,
  limitsOf,
  subjects,
  valuesOf,
  whoseOf,
} from "@/features/admin/budgets/budget-values";
import type { Budget, BudgetChange } from "@/lib/api/types";
import { formErrors, type Rules, useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";
import type { TextKey } from "@/lib/locale/texts";

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
  /** The budget to change, without its subject. Undefined for a new one. */
  budget?: Budget;
  onSave: (values: BudgetValues, change: BudgetChange) => Promise<void>;
  onCancel: () => void;
}

export function BudgetForm({ budget, onSave, onCancel }: BudgetFormProps) {
  const { t } = useLocale();
  const [values, setValues] = useState(() => valuesOf(budget));
  const submission = useSubmission();
  const { errors } = submission;

  function submit() {
    if (values.subject === "user" && !values.username.trim()) {
      return submission.refuse({ fields: { username: t("auth.required_field") } });
    }
    const change = limitsOf(values);
    if (!change) return submission.refuse({ form: t("budgets.no_limit"), fields: {} });
    submission.save(onSave(values, change), (error) => formErrors(t, error, shown, rules));
  }

  return (
    <FormFrame
      testId="budget"
      submission={submission}
      saveLabel={t(budget ? "app.save" : "budgets.add")}
      onSubmit={submit}
      onCancel={onCancel}
    >
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
    </FormFrame>
  );
}
