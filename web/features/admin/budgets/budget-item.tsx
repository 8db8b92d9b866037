"use client";

import { useState } from "react";
import { Alert } from "@/components/alert";
import { changeBudget, deleteBudget } from "@/features/admin/budgets/api";
import { BudgetForm } from "@/features/admin/budgets/budget-form";
import { boundsOf, whoseOf } from "@/features/admin/budgets/values";
import { ItemActions } from "@/features/admin/item-actions";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { BudgetMeter, boundText } from "@/features/usage/budget-meter";
import type { Budget } from "@/lib/api/types";
import { useAttempt } from "@/lib/use-attempt";

interface BudgetItemProps {
  budget: Budget;
  onChange: (budget: Budget) => void;
  onDelete: () => void;
}

/** One budget: whose it is, its limits, and what is used of them. */
export function BudgetItem({ budget, onChange, onDelete }: BudgetItemProps) {
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
