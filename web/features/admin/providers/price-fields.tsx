"use client";

import { PlusIcon, XIcon } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { emptyPrice, type PriceRow } from "@/features/admin/providers/values";
import { useLocale } from "@/features/locale/locale";

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

/** What models cost where it is not known, or not true, what their provider publishes. */
export function PriceFields({ prices, error, onChange }: PriceFieldsProps) {
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
