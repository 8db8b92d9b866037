import { expect, it } from "vitest";
import { numberOf } from "@/lib/number";

it("reads a number with or without separators, and hides nothing that is none", () => {
  expect(numberOf(" 1,000,000 ")).toBe(1_000_000);
  expect(numberOf("0.5")).toBe(0.5);
  expect(numberOf("0")).toBe(0);
  expect(numberOf("  ")).toBeNull();
  expect(numberOf("many")).toBe("many");
});
