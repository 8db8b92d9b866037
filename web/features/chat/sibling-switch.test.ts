import { expect, it } from "vitest";
import { placeOf } from "@/features/chat/sibling-switch";

it("numbers a message among its siblings", () => {
  const siblings = ["a", "b", "c"];
  expect(placeOf({ id: "a", siblings })).toEqual({ number: 1, count: 3, previous: undefined, next: "b" });
  expect(placeOf({ id: "b", siblings })).toEqual({ number: 2, count: 3, previous: "a", next: "c" });
  expect(placeOf({ id: "c", siblings })).toEqual({ number: 3, count: 3, previous: "b", next: undefined });
});

it("has no place for a message without siblings", () => {
  expect(placeOf({ id: "a", siblings: ["a"] })).toBeNull();
  expect(placeOf({ id: "a", siblings: [] })).toBeNull();
});
