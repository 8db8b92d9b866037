import { expect, it } from "vitest";
import { contextOf } from "@/features/chat/context-notes";

it("reads what became of the older part of a chat", () => {
  expect(contextOf({ meta_info: {} })).toEqual({});
  expect(contextOf({ meta_info: { context: { summarised: true, left_out: 3 } } })).toMatchObject({
    summarised: true,
    left_out: 3,
  });
});
