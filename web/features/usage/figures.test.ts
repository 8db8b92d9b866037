import { describe, expect, it } from "vitest";
import { amountOf, lastDays, sumOf, tellingMeasure } from "@/features/usage/figures";

const totals = { calls: 3, cached_calls: 1, prompt_tokens: 20, completion_tokens: 10, cost: "0.25" };

describe("figures of usage", () => {
  it("have an entry for each day, also without usage", () => {
    const days = lastDays([{ day: "2026-03-01", ...totals }], new Date("2026-03-02T23:59:00Z"), 3);
    expect(days.map(({ day, totals: { calls } }) => [day, calls])).toEqual([
      ["2026-02-28", 0],
      ["2026-03-01", 3],
      ["2026-03-02", 0],
    ]);
  });

  it("add up", () => {
    expect(sumOf([totals, totals, {}])).toEqual({
      calls: 6,
      cached_calls: 2,
      prompt_tokens: 40,
      completion_tokens: 20,
      cost: "0.5",
    });
  });

  it("start with cost if it is above zero, else with tokens or calls", () => {
    expect(amountOf(totals, "tokens")).toBe(30);
    expect(tellingMeasure(totals)).toBe("cost");
    expect(tellingMeasure({ ...totals, cost: "0" })).toBe("tokens");
    expect(tellingMeasure({})).toBe("calls");
  });
});
