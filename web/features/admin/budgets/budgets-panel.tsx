"use client";

import { useState } from "react";
import { addBudget, listBudgets } from "@/features/admin/budgets/api";
import { BudgetForm } from "@/features/admin/budgets/budget-form";
import { BudgetItem } from "@/features/admin/budgets/budget-item";
import { subjectOf } from "@/features/admin/budgets/values";
import { AddButton, Empty, Panel } from "@/features/admin/panel";
import { useItems } from "@/features/admin/use-items";
import { useLocale } from "@/features/locale/locale";

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
