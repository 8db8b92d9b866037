"use client";

import { useLocale } from "@/features/locale/locale";
import { amountOf } from "@/features/usage/figures";
import type { UsageTotals } from "@/lib/api/types";
import { formatCount, formatMoney } from "@/lib/format";

interface TotalsCardProps {
  label: string;
  totals: Partial<UsageTotals>;
  testId: string;
}

/** What some time cost, and what was asked in it. */
export function TotalsCard({ label, totals, testId }: TotalsCardProps) {
  const { t, locale } = useLocale();
  const calls = amountOf(totals, "calls");
  const cached = totals.cached_calls ?? 0;
  return (
    <div className="rounded-lg border px-3.5 py-3" data-testid={testId}>
      <dt className="text-muted-foreground text-xs">{label}</dt>
      <dd className="font-semibold text-lg tabular-nums">{formatMoney(locale, amountOf(totals, "cost"))}</dd>
      <dd className="text-muted-foreground text-xs tabular-nums">
        {t("usage.tokens", { count: formatCount(locale, amountOf(totals, "tokens"), true) })}
      </dd>
      <dd className="text-muted-foreground text-xs tabular-nums" data-testid="usage-calls">
        {t("usage.calls", { count: formatCount(locale, calls, true) })}
      </dd>
      {cached > 0 && (
        <dd className="text-muted-foreground text-xs tabular-nums" data-testid="usage-cached">
          {t("usage.cached", { count: formatCount(locale, cached, true) })}
        </dd>
      )}
    </div>
  );
}
