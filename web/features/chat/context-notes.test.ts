import { expect, it } from "vitest";
import { contextOf, isFromCache } from "@/features/chat/context-notes";

it("reads what became of the older part of a chat", () => {
  expect(contextOf({ meta_info: {} })).toEqual({});
  expect(contextOf({ meta_info: { context: { summarised: true, left_out: 3 } } })).toMatchObject({
    summarised: true,
    left_out: 3,
  });
});

it("knows an answer for which no model was asked", () => {
  expect(["hit", "coalesced", "miss", undefined].map((cache) => isFromCache({ meta_info: { cache } }))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
