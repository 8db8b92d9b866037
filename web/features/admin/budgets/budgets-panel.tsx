"use client";

import { useState } from "react";
import { Alert } from "@/components/alert";
import { BudgetForm } from "@/features/admin/budgets/budget-form";
import { boundsOf, subjectOf, whoseOf } from "@/features/admin/budgets/budget-values";
import { AddButton, Empty, ItemActions, Panel, useItems } from "@/features/admin/panel";
import { BudgetMeter, boundText } from "@/features/usage/budget-meter";
import { api } from "@/lib/api/client";
import type { Budget, BudgetChange, Budgets, NewBudget } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";
import { useAttempt } from "@/lib/use-attempt";

const listBudgets = () => api.get<Budgets>("/admin/budgets");
const addBudget = (budget: NewBudget) => api.post<Budget>("/admin/budgets", budget);
const changeBudget = (id: string, change: BudgetChange) => api.patch<Budget>(`/admin/budgets/${id}`, change);
const deleteBudget = (id: string) => api.delete(`/admin/budgets/${id}`);

/** What may be used, by whom. */
export function BudgetsPanel() {
  const { t } = useLocale();
  const { items, error, put, drop } = useItems(listBudgets);
  const [adding, setAdding] = useState(false);

  return (
    <Panel hint={t("budgets.hint")} error={error} loading={items === null}>
      {items?.length === 0 && !adding && <Empty>{t("budgets.empty")}</Empty>}
      <ul className="grid grid-cols-[minmax(0,1fr)] gap-2.5 empty:hidden">
        {items?.map((budget) => (
          <BudgetItem key={budget.id} budget={budget} onChange={put} onDelete={() => drop(budget)} />
        ))}
      </ul>
      {adding ? (
        <BudgetForm
          onSave={async (values, limits) => {
            put(await addBudget({ ...subjectOf(values), ...limits }));
            setAdding(false);
          }}
          onCancel={() => setAdding(false)}
        />
      ) : (
        <AddButton label={t("budgets.add")} onClick={() => setAdding(true)} data-testid="add-budget" />
      )}
    </Panel>
  );
}

interface BudgetItemProps {
  budget: Budget;
  onChange: (budget: Budget) => void;
  onDelete: () => void;
}

/** One budget: whose it is, its limits, and what is used of them. */
function BudgetItem({ budget, onChange, onDelete }: BudgetItemProps) {
  const { t, locale } = useLocale();
  const [editing, setEditing] = useState(false);
  const { busy, error, attempt } = useAttempt();
  const whose = whoseOf(t, budget);

  if (editing) {
    return (
      <li>
        <BudgetForm
          budget={budget}
          onSave={async (_, change) => {
            onChange(await changeBudget(budget.id, change));
            setEditing(false);
          }}
          onCancel={() => setEditing(false)}
        />
      </li>
    );
  }
  return (
    <li className="grid gap-3 rounded-lg border p-4" data-testid="budget" data-whose={whose}>
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <h3 className="min-w-0 truncate font-medium text-sm">{whose}</h3>
        <div className="-mr-2 flex items-center gap-1">
          <ItemActions
            testId="budget"
            busy={busy}
            onEdit={() => setEditing(true)}
            onDelete={() => attempt(deleteBudget(budget.id), onDelete)}
          />
        </div>
      </div>
      {error !== null && <Alert>{describeError(t, error)}</Alert>}
      <ul className="grid gap-3">
        {boundsOf(budget).map(({ used, ...bound }) => (
          <li key={`${bound.unit}/${bound.period}`} className="text-sm">
            {used === null ? boundText(t, locale, bound) : <BudgetMeter bound={{ ...bound, used }} />}
          </li>
        ))}
      </ul>
    </li>
  );
}
