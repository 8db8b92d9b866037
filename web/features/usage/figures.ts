/** Figures of usage. */

import type { Usage, UsageTotals } from "@/lib/api/types";

export type Measure = "cost" | "tokens" | "calls";

const DAY_MS = 86_400_000;

export const measures: readonly Measure[] = ["cost", "tokens", "calls"];

const none: UsageTotals = { calls: 0, cached_calls: 0, prompt_tokens: 0, completion_tokens: 0, cost: "0" };

export interface Day {
  /** Such as 2026-11-24, in UTC. */
  day: string;
  totals: UsageTotals;
}

/** The last `count` days up to `until`, also days without usage, oldest first. */
export function lastDays(known: Usage["days"], until: Date, count: number): Day[] {
  const totals = new Map(known.map((each) => [each.day, { ...none, ...each }]));
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(until.getTime() - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10);
    return { day, totals: totals.get(day) ?? none };
  });
}

export function sumOf(all: Partial<UsageTotals>[]): UsageTotals {
  const sum = (name: "calls" | "cached_calls" | "prompt_tokens" | "completion_tokens") =>
    all.reduce((total, each) => total + (each[name] ?? 0), 0);
  return {
    calls: sum("calls"),
    cached_calls: sum("cached_calls"),
    prompt_tokens: sum("prompt_tokens"),
    completion_tokens: sum("completion_tokens"),
    cost: `${all.reduce((total, each) => total + Number(each.cost ?? 0), 0)}`,
  };
}

export function amountOf(totals: Partial<UsageTotals>, measure: Measure): number {
  const { calls, prompt_tokens, completion_tokens, cost } = { ...none, ...totals };
  return { cost: Number(cost), tokens: prompt_tokens + completion_tokens, calls }[measure];
}

/** The first measure above zero: cost, tokens, then calls. */
export function tellingMeasure(totals: Partial<UsageTotals>): Measure {
  return measures.find((measure) => amountOf(totals, measure) > 0) ?? "calls";
}
