"use client";

import { useId, useState } from "react";
import { Field, FormFrame } from "@/components/form";
import { bodyOf, placesOf, sharesOf, valuesOf } from "@/features/admin/aliases/alias-values";
import { ModelRows } from "@/features/admin/aliases/model-rows";
import type { Alias, Model, NewAlias } from "@/lib/api/types";
import { type FormErrors, formErrors, useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";

interface AliasFormProps {
  /** The alias to change. Undefined for a new one. */
  alias?: Alias;
  /** Suggested models. */
  models: Model[];
  onSave: (body: NewAlias) => Promise<void>;
  onCancel: () => void;
}

export function AliasForm({ alias, models, onSave, onCancel }: AliasFormProps) {
  const { t } = useLocale();
  const known = useId();
  const [values, setValues] = useState(() => valuesOf(alias));
  const submission = useSubmission();
  const { errors } = submission;

  function submit() {
    const body = bodyOf(values);
    const missing = t("auth.required_field");
    const first = values.targets[0];
    if (!body.name) return submission.refuse({ fields: { name: missing } });
    if (!body.targets.length) {
      return submission.refuse(
        first ? { fields: { [first.key]: missing } } : { form: t("aliases.no_target"), fields: {} },
      );
    }
    submission.save(onSave(body), explain);
  }

  /** Shows each error of the API at its row. */
  function explain(error: unknown): FormErrors {
    const places = placesOf(values);
    const rules = Object.fromEntries(places.map(({ place, rule }) => [place, rule]));
    const shown = ["name", ...Object.keys(rules)];
    const { form, fields } = formErrors(t, error, shown, { name: "aliases.name_rule", ...rules });
    const atRows = places.flatMap(({ place, key }) => (fields[place] ? [[key, fields[place]]] : []));
    return { form, fields: { ...fields, ...Object.fromEntries(atRows) } };
  }

  return (
    <FormFrame
      testId="alias"
      submission={submission}
      saveLabel={t(alias ? "app.save" : "aliases.add")}
      onSubmit={submit}
      onCancel={onCancel}
    >
      <Field
        label={t("aliases.name")}
        hint={t("aliases.name_hint")}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        value={values.name}
        error={errors.fields.name}
        onChange={(event) => setValues({ ...values, name: event.target.value })}
        data-testid="alias-name"
      />
      <ModelRows
        testId="target"
        label={t("aliases.targets")}
        hint={t("aliases.targets_hint")}
        addLabel={t("aliases.add_target")}
        rows={values.targets}
        shares={sharesOf(values.targets)}
        errors={errors.fields}
        known={known}
        onChange={(targets) => setValues({ ...values, targets })}
      />
      <ModelRows
        testId="fallback"
        label={t("aliases.fallbacks")}
        hint={t("aliases.fallbacks_hint")}
        addLabel={t("aliases.add_fallback")}
        rows={values.fallbacks}
        errors={errors.fields}
        known={known}
        onChange={(fallbacks) => setValues({ ...values, fallbacks })}
      />
      <datalist id={known}>
        {models.map(({ id, provider }) => (
          <option key={`${provider}/${id}`} value={id}>
            {provider}
          </option>
        ))}
      </datalist>
    </FormFrame>
  );
}
