"use client";

import { useState } from "react";
import { Alert } from "@/components/alert";
import { ItemActions, ItemList } from "@/components/item-list";
import { BudgetForm } from "@/features/admin/budgets/budget-form";
import { boundsOf, subjectOf, whoseOf } from "@/features/admin/budgets/budget-values";
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

export function BudgetsPanel() {
  const { t } = useLocale();
  return (
    <ItemList
      hint={t("budgets.hint")}
      empty={t("budgets.empty")}
      addLabel={t("budgets.add")}
      addTestId="add-budget"
      list={listBudgets}
      renderItem={(budget, put, drop) => <BudgetItem budget={budget} onChange={put} onDelete={drop} />}
      renderForm={(put, close) => (
        <BudgetForm
          onSave={async (values, limits) => {
            put(await addBudget({ ...subjectOf(values), ...limits }));
            close();
          }}
          onCancel={close}
        />
      )}
    />
  );
}

interface BudgetItemProps {
  budget: Budget;
  onChange: (budget: Budget) => void;
  onDelete: () => void;
}

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
