import { api } from "@/lib/api/client";
import type { Budget, BudgetChange, Budgets, NewBudget } from "@/lib/api/types";

export const listBudgets = () => api.get<Budgets>("/admin/budgets");
export const addBudget = (budget: NewBudget) => api.post<Budget>("/admin/budgets", budget);
export const changeBudget = (id: string, change: BudgetChange) => api.patch<Budget>(`/admin/budgets/${id}`, change);
export const deleteBudget = (id: string) => api.delete(`/admin/budgets/${id}`);
