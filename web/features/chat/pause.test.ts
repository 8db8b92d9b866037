import { expect, it } from "vitest";
import { backoffMs } from "@/features/chat/pause";

it("waits longer after each failure, up to ten seconds", () => {
  expect([0, 1, 2, 5, 40].map((failures) => backoffMs(failures, () => 1))).toEqual([300, 600, 1200, 9600, 10_000]);
  expect(backoffMs(0, () => 0)).toBe(150);
});
