"use client";

import { ChevronRightIcon } from "lucide-react";
import { useId, useState } from "react";
import { Field, TextField } from "@/components/field";
import { Button } from "@/components/ui/button";
import { PriceFields } from "@/features/admin/providers/price-fields";
import type { ProviderValues } from "@/features/admin/providers/values";
import { useLocale } from "@/features/locale/locale";
import { cn } from "@/lib/cn";

interface MoreFieldsProps {
  values: ProviderValues;
  /** By the server's names. */
  errors: Record<string, string>;
  onChange: (said: Partial<ProviderValues>) => void;
}

const seconds = [
  { name: "connectSeconds", field: "connect_seconds", text: "providers.connect_seconds" },
  { name: "firstTokenSeconds", field: "first_token_seconds", text: "providers.first_token_seconds" },
  { name: "silenceSeconds", field: "silence_seconds", text: "providers.silence_seconds" },
] as const;

const folded = ["embedding_models", "context_window", "prices", ...seconds.map(({ field }) => field)];

/** What is seldom needed, folded away until it is, or until something is wrong with it. */
export function MoreFields({ values, errors, onChange }: MoreFieldsProps) {
  const { t } = useLocale();
  const id = useId();
  const [unfolded, setUnfolded] = useState(values.prices.length > 0);
  const open = unfolded || folded.some((field) => errors[field]);

  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <Button
        variant="ghost"
        size="sm"
        className="-ml-3 justify-self-start"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setUnfolded(!open)}
        data-testid="more-of-provider"
      >
        <ChevronRightIcon className={cn("transition-transform", open && "rotate-90")} />
        {t("providers.more")}
      </Button>
      <div id={id} hidden={!open} className="grid grid-cols-[minmax(0,1fr)] gap-5">
        <PriceFields prices={values.prices} error={errors.prices} onChange={(prices) => onChange({ prices })} />
        <TextField
          label={t("providers.embedding_models")}
          hint={t("providers.embedding_models_hint")}
          rows={1}
          autoCapitalize="none"
          spellCheck={false}
          className="max-h-40 font-mono md:text-[0.8125rem]"
          value={values.embeddingModels}
          error={errors.embedding_models}
          onChange={(event) => onChange({ embeddingModels: event.target.value })}
        />
        <Field
          label={t("providers.context_window")}
          hint={t("providers.context_window_hint")}
          inputMode="numeric"
          autoComplete="off"
          value={values.contextWindow}
          error={errors.context_window}
          onChange={(event) => onChange({ contextWindow: event.target.value })}
          data-testid="provider-window"
        />
        <fieldset className="grid min-w-0 gap-3">
          <legend className="mb-3 font-medium text-sm leading-none">{t("providers.timeouts")}</legend>
          <div className="grid items-start gap-3 sm:grid-cols-3">
            {seconds.map(({ name, field, text }) => (
              <Field
                key={name}
                label={t(text)}
                inputMode="decimal"
                autoComplete="off"
                value={values[name]}
                error={errors[field]}
                onChange={(event) => onChange({ [name]: event.target.value })}
                data-testid={`provider-${field}`}
              />
            ))}
          </div>
          <p className="text-muted-foreground text-xs">{t("providers.timeouts_hint")}</p>
        </fieldset>
      </div>
    </div>
  );
}
