"use client";

import { useState } from "react";
import { ChoiceField, Field, FormFrame, TextField } from "@/components/form";
import { Switch } from "@/components/ui/switch";
import { MoreFields } from "@/features/admin/providers/more-fields";
import {
  bodyOf,
  isKind,
  kindNames,
  kinds,
  type ProviderValues,
  valuesOf,
  withKind,
} from "@/features/admin/providers/provider-values";
import type { NewProvider, Provider, ProviderChange } from "@/lib/api/types";
import { formErrors, missingFields, type Rules, useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";

const rules: Rules = {
  name: "providers.name_rule",
  base_url: "providers.url_rule",
  models: "providers.models_rule",
  embedding_models: "providers.models_rule",
  context_window: "providers.window_rule",
  connect_seconds: "providers.seconds_rule",
  first_token_seconds: "providers.seconds_rule",
  silence_seconds: "providers.seconds_rule",
  prices: "providers.prices_rule",
};

const shown = [...Object.keys(rules), "api_key", "kind"];

interface ProviderFormProps {
  /** The provider to change. Undefined for a new one. */
  provider?: Provider;
  onSave: (body: NewProvider & ProviderChange) => Promise<void>;
  onCancel: () => void;
}

export function ProviderForm({ provider, onSave, onCancel }: ProviderFormProps) {
  const { t } = useLocale();
  const [values, setValues] = useState(() => valuesOf(provider));
  const submission = useSubmission();
  const { errors } = submission;
  const kind = kinds[values.kind];
  const set = (said: Partial<ProviderValues>) => setValues((before) => ({ ...before, ...said }));

  function submit() {
    const missing = missingFields(t, { name: values.name, base_url: values.baseUrl });
    if (Object.keys(missing).length) return submission.refuse({ fields: missing });
    const keyRule = values.apiKey.trim() ? "providers.key_rule" : "providers.key_again";
    submission.save(onSave(bodyOf(values)), (error) => formErrors(t, error, shown, { ...rules, api_key: keyRule }));
  }

  return (
    <FormFrame
      testId="provider"
      submission={submission}
      saveLabel={t(provider ? "app.save" : "providers.add")}
      onSubmit={submit}
      onCancel={onCancel}
    >
      <div className="grid items-start gap-5 sm:grid-cols-2">
        <ChoiceField
          label={t("providers.kind")}
          autoFocus
          value={values.kind}
          error={errors.fields.kind}
          onChange={({ target }) => isKind(target.value) && setValues(withKind(values, target.value))}
          data-testid="provider-kind"
        >
          {kindNames.map((name) => (
            <option key={name} value={name}>
              {name === "custom" ? t("providers.kind_custom") : kinds[name].label}
            </option>
          ))}
        </ChoiceField>
        <Field
          label={t("providers.name")}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={values.name}
          error={errors.fields.name}
          onChange={(event) => set({ name: event.target.value })}
          data-testid="provider-name"
        />
      </div>
      <Field
        label={t("providers.url")}
        type="url"
        inputMode="url"
        autoComplete="off"
        placeholder={kind.example ?? kind.baseUrl}
        value={values.baseUrl}
        error={errors.fields.base_url}
        onChange={(event) => set({ baseUrl: event.target.value })}
        data-testid="provider-url"
      />
      <KeyField provider={provider} values={values} error={errors.fields.api_key} onChange={set} />
      <TextField
        label={t("providers.models")}
        hint={t("providers.models_hint")}
        rows={2}
        autoCapitalize="none"
        spellCheck={false}
        className="max-h-40 font-mono md:text-[0.8125rem]"
        value={values.models}
        error={errors.fields.models}
        onChange={(event) => set({ models: event.target.value })}
        data-testid="provider-models"
      />
      <MoreFields values={values} errors={errors.fields} onChange={set} />
    </FormFrame>
  );
}

interface KeyFieldProps {
  provider?: Provider;
  values: ProviderValues;
  error?: string;
  onChange: (said: Partial<ProviderValues>) => void;
}

/** The API key. The server never returns it, only its last characters. */
function KeyField({ provider, values, error, onChange }: KeyFieldProps) {
  const { t } = useLocale();
  const stored = provider?.has_key ?? false;

  return (
    <div className="grid gap-3">
      <Field
        label={t("providers.key")}
        type="password"
        autoComplete="new-password"
        spellCheck={false}
        placeholder={stored ? `••••••••${provider?.key_hint ?? ""}` : undefined}
        hint={hint()}
        value={values.apiKey}
        error={error}
        disabled={values.removeKey}
        onChange={(event) => onChange({ apiKey: event.target.value })}
        data-testid="provider-key"
      />
      {stored && (
        // biome-ignore lint/a11y/noLabelWithoutControl: the switch is a button, which a label may hold
        <label className="flex items-center gap-2.5 justify-self-start text-sm">
          <Switch
            checked={values.removeKey}
            onCheckedChange={(on) => onChange({ removeKey: on, apiKey: "" })}
            data-testid="remove-key"
          />
          {t("providers.key_remove")}
        </label>
      )}
    </div>
  );

  function hint(): string {
    if (!stored) return t(kinds[values.kind].needsKey ? "providers.key_hint" : "providers.key_optional");
    return provider?.key_hint
      ? t("providers.key_stored", { hint: provider.key_hint })
      : t("providers.key_stored_unseen");
  }
}
