"use client";

import { Meter } from "@/components/charts";
import type { BudgetState } from "@/lib/api/types";
import { formatCount, formatMoment, formatMoney } from "@/lib/format";
import { useLocale } from "@/lib/locale/locale";
import type { Locale, TextKey, Translate } from "@/lib/locale/texts";

type Bound = Pick<BudgetState, "unit" | "period" | "limit">;

/** All limits that the API has: costs per day and month only, requests per minute only. */
const names: Record<string, TextKey> = {
  "requests/minute": "budgets.requests_per_minute",
  "tokens/minute": "budgets.tokens_per_minute",
  "tokens/day": "budgets.tokens_per_day",
  "tokens/month": "budgets.tokens_per_month",
  "dollars/day": "budgets.dollars_per_day",
  "dollars/month": "budgets.dollars_per_month",
};

function nameOf(t: Translate, { unit, period }: Bound): string {
  const key = names[`${unit}/${period}`];
  return key ? t(key) : `${unit}/${period}`;
}

function amountText(locale: Locale, unit: Bound["unit"], amount: string): string {
  return unit === "dollars" ? formatMoney(locale, amount) : formatCount(locale, Number(amount));
}

/** A limit without its used amount. */
export function boundText(t: Translate, locale: Locale, bound: Bound): string {
  return `${nameOf(t, bound)}: ${amountText(locale, bound.unit, bound.limit)}`;
}

interface BudgetMeterProps {
  bound: Bound & Pick<BudgetState, "used">;
  /** The owner, if it isn't shown beside the meter. */
  whose?: string;
  /** The amount left, and when the limit resets. */
  rest?: Pick<BudgetState, "left" | "resets_at">;
}

export function BudgetMeter({ bound, whose, rest }: BudgetMeterProps) {
  const { t, locale } = useLocale();
  const { unit, period, limit, used } = bound;
  const tell = (amount: string) => amountText(locale, unit, amount);
  const label = whose ? `${whose} · ${nameOf(t, bound)}` : nameOf(t, bound);
  const text = t("budgets.used", { used: tell(used), limit: tell(limit) });
  const full = Number(used) > 0 && rest && t("budgets.full_again", { when: formatMoment(locale, rest.resets_at) });
  return (
    <div className="grid gap-1.5" data-testid="budget-meter" data-unit={unit} data-period={period}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-3 text-sm">
        <span>{label}</span>
        <span className="text-muted-foreground text-xs tabular-nums" data-testid="budget-used">
          {text}
        </span>
      </div>
      <Meter label={label} text={text} share={Number(limit) > 0 ? Number(used) / Number(limit) : 1} />
      {rest && (
        <p className="text-muted-foreground text-xs tabular-nums" data-testid="budget-rest">
          {[t("budgets.left", { left: tell(rest.left) }), full].filter(Boolean).join(" · ")}
        </p>
      )}
    </div>
  );
}
