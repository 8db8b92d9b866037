"use client";

import { type ReactNode, useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { BudgetMeter } from "@/features/usage/budget-meter";
import { amountOf, sumOf } from "@/features/usage/figures";
import { DayColumns, ModelList } from "@/features/usage/usage-charts";
import { api } from "@/lib/api/client";
import type { BudgetState, Usage, UsageTotals } from "@/lib/api/types";
import { formatCount, formatMoney } from "@/lib/format";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

const getUsage = () => api.get<Usage>("/usage");

export function UsageDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  const [usage, setUsage] = useState<Usage | null>(null);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    getUsage().then(setUsage, setError);
  }, []);

  return (
    <Dialog open onOpenChange={onClose}>
      <DialogContent
        closeLabel={t("app.close")}
        className="sm:max-w-xl"
        onOpenAutoFocus={(event) => event.preventDefault()}
        aria-busy={usage === null && error === null}
        data-testid="usage-dialog"
      >
        <DialogHeader>
          <DialogTitle>{t("usage.title")}</DialogTitle>
          <DialogDescription>{t("usage.hint")}</DialogDescription>
        </DialogHeader>
        {error !== null && <Alert>{describeError(t, error)}</Alert>}
        {usage && <Figures usage={usage} />}
      </DialogContent>
    </Dialog>
  );
}

function Figures({ usage }: { usage: Usage }) {
  const { t } = useLocale();
  const { today, month, days, models, budgets } = usage;
  const recent = sumOf(days);
  return (
    <>
      <dl className="grid gap-2.5 sm:grid-cols-3">
        <TotalsCard label={t("usage.today")} totals={today} testId="usage-today" />
        <TotalsCard label={t("usage.month")} totals={month} testId="usage-month" />
        <TotalsCard label={t("usage.days")} totals={recent} testId="usage-days" />
      </dl>
      {budgets.length > 0 && (
        <Section title={t("usage.budgets")}>
          <ul className="grid gap-4">
            {budgets.map((budget) => (
              <li key={`${budget.subject}/${budget.period}/${budget.unit}`}>
                <OwnBudget budget={budget} />
              </li>
            ))}
          </ul>
        </Section>
      )}
      {recent.calls > 0 && (
        <>
          <DayColumns days={days} />
          <Section title={t("usage.by_model")}>
            <ModelList models={models} />
          </Section>
        </>
      )}
    </>
  );
}

const owners = { all: "usage.of_all", user: "usage.of_you", token: "usage.of_token" } as const;

function OwnBudget({ budget }: { budget: BudgetState }) {
  const { t } = useLocale();
  return <BudgetMeter bound={budget} whose={t(owners[budget.subject])} rest={budget} />;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <h3 className="font-medium text-sm">{title}</h3>
      {children}
    </section>
  );
}

interface TotalsCardProps {
  label: string;
  totals: Partial<UsageTotals>;
  testId: string;
}

/** Cost, tokens and calls of one period. */
function TotalsCard({ label, totals, testId }: TotalsCardProps) {
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
