"use client";

import { ChevronRightIcon, PlusIcon, XIcon } from "lucide-react";
import { useId, useState } from "react";
import { Field, TextField } from "@/components/form";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { emptyPrice, type PriceRow, type ProviderValues } from "@/features/admin/providers/provider-values";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";

interface MoreFieldsProps {
  values: ProviderValues;
  /** By field name of the API. */
  errors: Record<string, string>;
  onChange: (said: Partial<ProviderValues>) => void;
}

const seconds = [
  { name: "connectSeconds", field: "connect_seconds", text: "providers.connect_seconds" },
  { name: "firstTokenSeconds", field: "first_token_seconds", text: "providers.first_token_seconds" },
  { name: "silenceSeconds", field: "silence_seconds", text: "providers.silence_seconds" },
] as const;

const folded = ["embedding_models", "context_window", "prices", ...seconds.map(({ field }) => field)];

/** Fields that few providers need. They open if one of them has an error. */
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

interface PriceFieldsProps {
  prices: PriceRow[];
  error?: string;
  onChange: (prices: PriceRow[]) => void;
}

const amounts = [
  { name: "input", text: "providers.price_input" },
  { name: "output", text: "providers.price_output" },
  { name: "cached", text: "providers.price_cached" },
] as const;

/** Prices that replace or complete the published ones. */
function PriceFields({ prices, error, onChange }: PriceFieldsProps) {
  const { t } = useLocale();

  function change(key: string, said: Partial<PriceRow>) {
    onChange(prices.map((row) => (row.key === key ? { ...row, ...said } : row)));
  }

  return (
    <fieldset className="grid min-w-0 gap-2" data-testid="prices">
      <legend className="mb-2 font-medium text-sm leading-none">{t("providers.prices")}</legend>
      {prices.map((row) => (
        <div key={row.key} className="grid grid-cols-[1fr_auto] gap-2 rounded-md border p-2.5 sm:border-0 sm:p-0">
          <div className="grid grid-cols-3 gap-2 sm:grid-cols-[minmax(0,2fr)_repeat(3,minmax(0,1fr))]">
            <Input
              aria-label={t("providers.price_model")}
              placeholder={t("providers.price_model")}
              autoComplete="off"
              spellCheck={false}
              className="col-span-3 sm:col-span-1"
              value={row.model}
              onChange={(event) => change(row.key, { model: event.target.value })}
              data-testid="price-model"
            />
            {amounts.map(({ name, text }) => (
              <Input
                key={name}
                aria-label={t(text)}
                placeholder={t(text)}
                inputMode="decimal"
                autoComplete="off"
                value={row[name]}
                onChange={(event) => change(row.key, { [name]: event.target.value })}
                data-testid={`price-${name}`}
              />
            ))}
          </div>
          <Button
            variant="ghost"
            size="icon-sm"
            className="mt-1"
            aria-label={t("providers.price_remove")}
            onClick={() => onChange(prices.filter((each) => each.key !== row.key))}
          >
            <XIcon />
          </Button>
        </div>
      ))}
      {error ? (
        <p role="alert" className="text-destructive text-sm" data-testid="field-error">
          {error}
        </p>
      ) : (
        <p className="text-muted-foreground text-xs">{t("providers.prices_hint")}</p>
      )}
      <Button
        variant="ghost"
        size="sm"
        className="-ml-3 justify-self-start"
        onClick={() => onChange([...prices, emptyPrice()])}
        data-testid="add-price"
      >
        <PlusIcon />
        {t("providers.price_add")}
      </Button>
    </fieldset>
  );
}
