"use client";

import { useState } from "react";
import { Columns } from "@/components/charts";
import { NativeSelect } from "@/components/ui/native-select";
import { amountOf, lastDays, type Measure, measures, sumOf, tellingMeasure } from "@/features/usage/figures";
import type { Usage } from "@/lib/api/types";
import { formatCount, formatDay, formatMoney } from "@/lib/format";
import { useLocale } from "@/lib/locale/locale";

const DAYS = 30;

const texts = { cost: "usage.measure_cost", tokens: "usage.measure_tokens", calls: "usage.measure_calls" } as const;

/** One column per day, of costs, tokens or calls. */
export function DayColumns({ days }: { days: Usage["days"] }) {
  const { t, locale } = useLocale();
  const [measure, setMeasure] = useState<Measure>(() => tellingMeasure(sumOf(days)));
  const shown = lastDays(days, new Date(), DAYS);
  const most = Math.max(...shown.map(({ totals }) => amountOf(totals, measure)));
  const tell = (amount: number) =>
    measure === "cost" ? formatMoney(locale, amount) : t(`usage.${measure}`, { count: formatCount(locale, amount) });
  const columns = shown.map(({ day, totals }) => {
    const amount = amountOf(totals, measure);
    return { key: day, text: `${formatDay(locale, day)}: ${tell(amount)}`, height: most > 0 ? amount / most : 0 };
  });
  return (
    <section className="grid grid-cols-[minmax(0,1fr)] gap-1.5">
      <div className="mb-1.5 flex items-center justify-between">
        <h3 className="font-medium text-sm">{t("usage.by_day")}</h3>
        <div className="w-32">
          <NativeSelect
            aria-label={t("usage.measure")}
            className="h-8"
            value={measure}
            onChange={({ target }) => setMeasure(measures.find((each) => each === target.value) ?? measure)}
            data-testid="usage-measure"
          >
            {measures.map((each) => (
              <option key={each} value={each}>
                {t(texts[each])}
              </option>
            ))}
          </NativeSelect>
        </div>
      </div>
      <Columns label={t("usage.by_day")} columns={columns} />
      <p className="flex justify-between text-muted-foreground text-xs" aria-hidden="true">
        <span>{formatDay(locale, shown[0]?.day ?? "")}</span>
        <span>{formatDay(locale, shown.at(-1)?.day ?? "")}</span>
      </p>
    </section>
  );
}

/** Usage by model. */
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
