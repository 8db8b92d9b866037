import { expect, it } from "vitest";
import { piecesOf } from "@/features/calls/pieces";
import type { ToolCall } from "@/features/calls/tool-calls";

const call = (callId: string, at: number): ToolCall => ({
  callId,
  at,
  name: "calculate",
  title: "Calculate",
  server: "basechat",
  arguments: {},
  state: "done",
  preview: "",
  cached: false,
  asks: null,
});

/** Pieces in brief: a text as it is, calls as the list of their ids. */
const cut = (text: string, ...calls: ToolCall[]) =>
  piecesOf(text, calls).map((piece) => (piece.kind === "text" ? piece.text : piece.calls.map((each) => each.callId)));

it("leaves a text without calls whole", () => {
  expect(cut("Hello")).toEqual(["Hello"]);
  expect(cut("")).toEqual([]);
});

it("puts each call where it was made, counted in code points", () => {
  expect(cut("😀 one two", call("b", 6), call("a", 0))).toEqual([["a"], "😀 one ", ["b"], "two"]);
});

it("leaves out blank lines behind a call, but no indentation", () => {
  expect(cut("One.\n\n    code", call("a", 4))).toEqual(["One.", ["a"], "    code"]);
});

it("groups calls with nothing but space between them", () => {
  expect(cut("One.\n\nTwo.", call("a", 4), call("b", 4), call("c", 6))).toEqual(["One.", ["a", "b", "c"], "Two."]);
});

it("puts what lies behind the end at the end", () => {
  expect(cut("One.", call("a", 9), call("b", 9))).toEqual(["One.", ["a", "b"]]);
});
