"use client";

import { type FormEvent, useId, useState } from "react";
import { Alert } from "@/components/alert";
import { Field } from "@/components/field";
import { Button } from "@/components/ui/button";
import { ModelRows } from "@/features/admin/aliases/model-rows";
import { bodyOf, placesOf, sharesOf, valuesOf } from "@/features/admin/aliases/values";
import { formErrors, noErrors } from "@/features/auth/form-errors";
import type { TextKey } from "@/features/locale/catalogue";
import { useLocale } from "@/features/locale/locale";
import type { Alias, Model, NewAlias } from "@/lib/api/types";
import { useErrorFocus } from "@/lib/use-error-focus";

interface AliasFormProps {
  /** The alias that is changed; none where one is added. */
  alias?: Alias;
  /** What there is to choose from; others may be written too. */
  models: Model[];
  onSave: (body: NewAlias) => Promise<void>;
  onCancel: () => void;
}

/** A name, the models that it stands for, and those that are tried when these fail. */
export function AliasForm({ alias, models, onSave, onCancel }: AliasFormProps) {
  const { t } = useLocale();
  const known = useId();
  const [values, setValues] = useState(() => valuesOf(alias));
  const [errors, setErrors] = useState(noErrors);
  const [busy, setBusy] = useState(false);
  const form = useErrorFocus(errors);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const body = bodyOf(values);
    const required = t("auth.required_field");
    const first = values.targets[0];
    if (!body.name) return setErrors({ fields: { name: required } });
    if (!body.targets.length) {
      return setErrors(first ? { fields: { [first.key]: required } } : { form: t("aliases.no_target"), fields: {} });
    }
    setBusy(true);
    setErrors(noErrors);
    try {
      await onSave(body);
    } catch (error) {
      refuse(error);
      setBusy(false);
    }
  }

  /** Shows each complaint where it belongs: at a row, by its key, what the server says of its place. */
  function refuse(error: unknown) {
    const places = [...placesOf("targets", values.targets), ...placesOf("fallbacks", values.fallbacks)];
    const shown = ["name", ...places.flatMap(({ place }) => [`${place}.model`, `${place}.weight`, place])];
    const rules: Record<string, TextKey> = { name: "aliases.name_rule" };
    for (const name of shown.slice(1))
      rules[name] = name.endsWith("weight") ? "aliases.weight_rule" : "aliases.no_model";
    const found = formErrors(t, error, shown, rules);
    const inRows = places.map(({ place, key }) => [
      key,
      found.fields[`${place}.model`] ?? found.fields[`${place}.weight`] ?? found.fields[place] ?? "",
    ]);
    setErrors({ ...found, fields: { ...found.fields, ...Object.fromEntries(inRows) } });
  }

  return (
    <form
      ref={form}
      onSubmit={submit}
      noValidate
      className="grid grid-cols-[minmax(0,1fr)] gap-5 rounded-lg border p-4"
      data-testid="alias-form"
    >
      {errors.form && <Alert>{errors.form}</Alert>}
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
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t("app.cancel")}
        </Button>
        <Button type="submit" disabled={busy} data-testid="save-alias">
          {t(alias ? "app.save" : "aliases.add")}
        </Button>
      </div>
    </form>
  );
}
