/** The values of a budget's form, the request that they become, and the used part of each limit. */

import type { Budget, BudgetChange, BudgetState, NewBudget } from "@/lib/api/types";
import { numberOf } from "@/lib/forms";
import type { Translate } from "@/lib/locale/texts";

/** The choices of accounts and tokens for a new budget. */
export const subjects = ["all", "each-user", "user", "each-token"] as const;
export type Subject = (typeof subjects)[number];

export const limits = [
  "requests_per_minute",
  "tokens_per_minute",
  "tokens_per_day",
  "tokens_per_month",
  "cost_per_day",
  "cost_per_month",
] as const;
export type Limit = (typeof limits)[number];

export interface BudgetValues {
  subject: Subject;
  username: string;
  limits: Record<Limit, string>;
}

export function valuesOf(budget: Budget | undefined): BudgetValues {
  const written = limits.map((name) => [name, `${budget?.[name] ?? ""}`]);
  return { subject: "all", username: "", limits: Object.fromEntries(written) };
}

/** The limits of the request. Null if all fields are empty. */
export function limitsOf({ limits: written }: BudgetValues): BudgetChange | null {
  if (limits.every((name) => !written[name].trim())) return null;
  return Object.fromEntries(limits.map((name) => [name, numberOf(written[name])]));
}

/** The account or token of the request. */
export function subjectOf({ subject, username }: BudgetValues): NewBudget {
  switch (subject) {
    case "all":
      return { subject: "all" };
    case "each-user":
      return { subject: "user" };
    case "user":
      return { subject: "user", username: username.trim() };
    case "each-token":
      return { subject: "token" };
  }
}

export function whoseOf(t: Translate, budget: Budget): string {
  if (budget.subject === "all") return t("budgets.subject_all");
  if (budget.subject === "user") return budget.username ?? t("budgets.subject_each_user");
  return budget.token_id ? t("budgets.token", { name: budget.token_name ?? "" }) : t("budgets.subject_each_token");
}

type Bound = Pick<BudgetState, "unit" | "period" | "limit"> & { used: string | null };

/** The limits of a budget with their used amounts. Limits per minute and defaults have no known amount. */
export function boundsOf(budget: Budget): Bound[] {
  const { used } = budget;
  const spent: Record<Limit, string | number | undefined> = {
    requests_per_minute: undefined,
    tokens_per_minute: undefined,
    tokens_per_day: used?.tokens_today ?? (used ? 0 : undefined),
    tokens_per_month: used?.tokens_this_month ?? (used ? 0 : undefined),
    cost_per_day: used?.cost_today ?? (used ? 0 : undefined),
    cost_per_month: used?.cost_this_month ?? (used ? 0 : undefined),
  };
  return limits.flatMap((name) => {
    const limit = budget[name] ?? null;
    if (limit === null) return [];
    const [what, , period] = name.split("_") as ["requests" | "tokens" | "cost", "per", Bound["period"]];
    const amount = spent[name];
    return [
      {
        unit: what === "cost" ? ("dollars" as const) : what,
        period,
        limit: `${limit}`,
        used: amount === undefined ? null : `${amount}`,
      },
    ];
  });
}
