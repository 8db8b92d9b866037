import { expect, it } from "vitest";
import { contextOf, isFromCache, likenessOf } from "@/features/chat/context-notes";

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

it("knows how like another question was whose answer this is", () => {
  expect(likenessOf({ meta_info: { cache: "hit", similarity: 0.844 } })).toBe(84);
  expect(likenessOf({ meta_info: { cache: "hit" } })).toBeUndefined();
});
