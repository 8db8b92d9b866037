import { describe, expect, it } from "vitest";
import { boundsOf, limitsOf, subjectOf, valuesOf, whoseOf } from "@/features/admin/budgets/budget-values";
import type { Budget } from "@/lib/api/types";
import { translator } from "@/lib/locale/texts";

const t = translator("en");

const stored: Budget = {
  id: "1",
  subject: "user",
  user_id: "2",
  username: "mina",
  token_id: null,
  token_name: null,
  requests_per_minute: 20,
  tokens_per_minute: null,
  tokens_per_day: 100_000,
  tokens_per_month: null,
  cost_per_day: null,
  cost_per_month: "12.5",
  used: { tokens_today: 25_000, tokens_this_month: 60_000, cost_today: "0.5", cost_this_month: "3" },
  created_at: "2026-11-24T00:00:00Z",
  updated_at: "2026-11-24T00:00:00Z",
};

describe("the form of a budget", () => {
  it("restores the stored budget", () => {
    expect(limitsOf(valuesOf(stored))).toEqual({
      requests_per_minute: 20,
      tokens_per_minute: null,
      tokens_per_day: 100_000,
      tokens_per_month: null,
      cost_per_day: null,
      cost_per_month: 12.5,
    });
  });

  it("has no limits if all fields are empty", () => {
    expect(limitsOf(valuesOf(undefined))).toBeNull();
  });

  it("names an account only for the budget of one account", () => {
    const values = { ...valuesOf(undefined), username: " mina " };
    expect(subjectOf(values)).toEqual({ subject: "all" });
    expect(subjectOf({ ...values, subject: "user" })).toEqual({ subject: "user", username: "mina" });
    expect(subjectOf({ ...values, subject: "each-user" })).toEqual({ subject: "user" });
    expect(subjectOf({ ...values, subject: "each-token" })).toEqual({ subject: "token" });
  });
});

describe("a budget", () => {
  it("has a bound for each limit, with its used amount if it is known", () => {
    expect(boundsOf(stored)).toEqual([
      { unit: "requests", period: "minute", limit: "20", used: null },
      { unit: "tokens", period: "day", limit: "100000", used: "25000" },
      { unit: "dollars", period: "month", limit: "12.5", used: "3" },
    ]);
    expect(boundsOf({ ...stored, used: null }).map(({ used }) => used)).toEqual([null, null, null]);
  });

  it("shows its owner, or the default that it is", () => {
    expect(whoseOf(t, stored)).toBe("mina");
    expect(whoseOf(t, { ...stored, user_id: null, username: null })).toBe(t("budgets.subject_each_user"));
    expect(whoseOf(t, { ...stored, subject: "all" })).toBe(t("budgets.subject_all"));
    const token = { ...stored, subject: "token" as const, token_id: "3", token_name: "build" };
    expect(whoseOf(t, token)).toContain("build");
    expect(whoseOf(t, { ...token, token_id: null })).toBe(t("budgets.subject_each_token"));
  });
});
