"use client";

import { type ReactNode, useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { getUsage } from "@/features/usage/api";
import { BudgetMeter } from "@/features/usage/budget-meter";
import { DayColumns } from "@/features/usage/day-columns";
import { sumOf } from "@/features/usage/figures";
import { ModelList } from "@/features/usage/model-list";
import { TotalsCard } from "@/features/usage/totals-card";
import type { BudgetState, Usage } from "@/lib/api/types";

/** What a person used, and what is left of their budgets. */
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
