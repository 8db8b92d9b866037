"use client";

import { useLocale } from "@/features/locale/locale";
import { amountOf, sumOf, tellingMeasure } from "@/features/usage/figures";
import type { Usage } from "@/lib/api/types";
import { formatCount, formatMoney } from "@/lib/format";

/** What was used of each model, those that cost most first. */
export function ModelList({ models }: { models: Usage["models"] }) {
  const { t, locale } = useLocale();
  const measure = tellingMeasure(sumOf(models));
  const most = Math.max(...models.map((each) => amountOf(each, measure)));
  return (
    <ul className="grid gap-3">
      {models.map((each) => (
        <li key={`${each.provider}/${each.model}`} className="grid gap-1" data-testid="usage-model">
          <div className="flex items-baseline justify-between gap-3 text-sm">
            <span className="min-w-0 truncate">
              {each.model} <span className="text-muted-foreground text-xs">{each.provider}</span>
            </span>
            <span className="shrink-0 font-medium tabular-nums">{formatMoney(locale, amountOf(each, "cost"))}</span>
          </div>
          <div className="h-1.5 overflow-hidden rounded-full bg-foreground/10" aria-hidden="true">
            <div
              className="h-full rounded-full bg-primary"
              style={{ width: `${most > 0 ? (amountOf(each, measure) / most) * 100 : 0}%` }}
            />
          </div>
          <p className="text-muted-foreground text-xs tabular-nums">
            {[
              t("usage.calls", { count: formatCount(locale, each.calls ?? 0) }),
              t("usage.tokens", { count: formatCount(locale, amountOf(each, "tokens")) }),
              each.cached_calls && t("usage.cached", { count: formatCount(locale, each.cached_calls) }),
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </li>
      ))}
    </ul>
  );
}
