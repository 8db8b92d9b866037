"use client";

import { PlusIcon, XIcon } from "lucide-react";
import { useId } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { emptyRow, type ModelRow } from "@/features/admin/aliases/alias-values";
import { formatShare } from "@/lib/format";
import { useLocale } from "@/lib/locale/locale";

interface ModelRowsProps {
  /** Test id of the rows: `target` or `fallback`. */
  testId: string;
  label: string;
  hint: string;
  addLabel: string;
  rows: ModelRow[];
  /** The share of calls by row. Undefined hides the weights. */
  shares?: Record<string, number>;
  /** Error messages, by row. */
  errors: Record<string, string>;
  /** Id of the `datalist` with suggested models. */
  known: string;
  onChange: (rows: ModelRow[]) => void;
}

/** Rows of models, with weights if `shares` is given. */
export function ModelRows({ testId, label, hint, addLabel, rows, shares, errors, known, onChange }: ModelRowsProps) {
  const { t, locale } = useLocale();
  const id = useId();

  function change(key: string, said: Partial<ModelRow>) {
    onChange(rows.map((row) => (row.key === key ? { ...row, ...said } : row)));
  }

  return (
    <fieldset className="grid min-w-0 gap-2">
      <legend className="mb-2 font-medium text-sm leading-none">{label}</legend>
      {rows.map((row, index) => {
        const note = `${id}-${row.key}`;
        return (
          <div key={row.key} className="grid gap-1.5" data-testid={testId}>
            <div className="flex items-center gap-2">
              <Input
                aria-label={t("aliases.model_number", { label, number: index + 1 })}
                aria-invalid={Boolean(errors[row.key])}
                aria-describedby={errors[row.key] ? note : undefined}
                placeholder={t("aliases.model")}
                list={known}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                value={row.model}
                onChange={(event) => change(row.key, { model: event.target.value })}
                data-testid={`${testId}-model`}
              />
              {shares && (
                <>
                  <Input
                    aria-label={t("aliases.weight_number", { number: index + 1 })}
                    inputMode="decimal"
                    autoComplete="off"
                    className="w-16 shrink-0 text-right tabular-nums"
                    value={row.weight}
                    onChange={(event) => change(row.key, { weight: event.target.value })}
                    data-testid={`${testId}-weight`}
                  />
                  <span className="w-12 shrink-0 text-right text-muted-foreground text-xs tabular-nums">
                    {shares[row.key] !== undefined && formatShare(locale, shares[row.key] ?? 0)}
                  </span>
                </>
              )}
              <Button
                variant="ghost"
                size="icon-sm"
                aria-label={t("aliases.remove_number", { label, number: index + 1 })}
                onClick={() => onChange(rows.filter((each) => each.key !== row.key))}
              >
                <XIcon />
              </Button>
            </div>
            {errors[row.key] && (
              <p id={note} className="text-destructive text-sm" data-testid="field-error">
                {errors[row.key]}
              </p>
            )}
          </div>
        );
      })}
      <p className="text-muted-foreground text-xs">{hint}</p>
      <Button
        variant="ghost"
        size="sm"
        className="-ml-3 justify-self-start"
        onClick={() => onChange([...rows, emptyRow()])}
        data-testid={`add-${testId}`}
      >
        <PlusIcon />
        {addLabel}
      </Button>
    </fieldset>
  );
}
