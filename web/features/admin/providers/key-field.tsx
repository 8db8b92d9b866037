"use client";

import { Field } from "@/components/field";
import { Switch } from "@/components/ui/switch";
import { kinds } from "@/features/admin/providers/kinds";
import type { ProviderValues } from "@/features/admin/providers/values";
import { useLocale } from "@/features/locale/locale";
import type { Provider } from "@/lib/api/types";

interface KeyFieldProps {
  provider?: Provider;
  values: ProviderValues;
  error?: string;
  onChange: (said: Partial<ProviderValues>) => void;
}

/** The key, which can be written but never read: of the stored one only its end is told. */
export function KeyField({ provider, values, error, onChange }: KeyFieldProps) {
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
