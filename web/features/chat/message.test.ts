import { expect, it } from "vitest";
import { contextOf, isFromCache } from "@/features/chat/message";

it("reads whether older messages were summarized or left out", () => {
  expect(contextOf({ meta_info: {} })).toEqual({});
  expect(contextOf({ meta_info: { context: { summarised: true, left_out: 3 } } })).toMatchObject({
    summarised: true,
    left_out: 3,
  });
});

it("recognizes an answer that came without a call of its own", () => {
  expect(["hit", "coalesced", "miss", undefined].map((cache) => isFromCache({ meta_info: { cache } }))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
