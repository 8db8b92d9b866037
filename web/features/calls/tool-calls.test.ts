import { describe, expect, it } from "vitest";
import {
  isWaiting,
  piecesOf,
  storedCalls,
  type ToolCall,
  withApproval,
  withCall,
  withDecisions,
  withinText,
  withResult,
  withRunApprovals,
} from "@/features/calls/tool-calls";
import { approval, called } from "@/lib/api/samples";

const begun = withCall([], { ...called("c1"), at: 4 });
const waiting = withApproval(begun, approval("c1"), 9);
const result = (ok: boolean) => ({ call_id: "c1", ok, preview: "4", cached: true });
const states = (calls: ToolCall[]) => calls.map(({ callId, state }) => [callId, state]);

describe("a call", () => {
  it("keeps its offset until it is done or failed", () => {
    expect(begun).toMatchObject([{ callId: "c1", title: "Create issue", at: 4, state: "running", asks: null }]);
    expect(withResult(begun, result(true))).toMatchObject([{ at: 4, state: "done", preview: "4", cached: true }]);
    expect(withResult(begun, result(false))).toMatchObject([{ state: "failed" }]);
    expect(withCall(withResult(begun, result(true)), { ...called("c1"), at: 4 })).toEqual(begun);
  });

  it("waits for an approval at its offset", () => {
    expect(waiting).toMatchObject([{ at: 4, state: "waiting", asks: { expiresAt: approval("c1").expires_at } }]);
    expect([isWaiting(waiting), isWaiting(begun)]).toEqual([true, false]);
  });

  it("no longer waits after a decision, and counts as denied instead of failed", () => {
    expect(states(withDecisions(waiting, { c1: "running" }))).toEqual([["c1", "running"]]);
    expect(withDecisions(waiting, { c2: "running" })).toEqual(waiting);
    expect(states(withDecisions(withResult(waiting, result(true)), { c1: "running" }))).toEqual([["c1", "done"]]);
    const denied = withDecisions(withResult(waiting, result(false)), { c1: "denied" });
    expect(denied).toMatchObject([{ state: "denied", asks: null, preview: "4" }]);
  });
});

describe("a reset text", () => {
  it("keeps the calls inside it and the waiting calls", () => {
    const calls = [...begun, ...withApproval([], approval("c2"), 9), ...withCall([], { ...called("c3"), at: 9 })];
    expect(withinText(calls, 4).map(({ callId, at }) => [callId, at])).toEqual([
      ["c1", 4],
      ["c2", 4],
    ]);
  });
});

describe("a run", () => {
  it("lists the waiting calls", () => {
    const calls = withRunApprovals(waiting, { approvals: [approval("c2")] }, 7);
    expect(states(calls)).toEqual([
      ["c1", "running"],
      ["c2", "waiting"],
    ]);
    expect(calls[1]?.at).toBe(7);
    expect(withRunApprovals(waiting, { approvals: [approval("c1")] }, 7)).toEqual(waiting);
  });
});

it("reads the calls of a stored message", () => {
  const stored = (status: string) => ({ ...called("c1"), status, preview: "4", cached: false, at: 2 });
  const statuses = ["completed", "denied", "unknown", "proposed"];
  expect(storedCalls({ meta_info: { tool_calls: statuses.map(stored) } })).toMatchObject([
    { callId: "c1", state: "done", at: 2, asks: null },
    { state: "denied" },
    { state: "failed" },
    { state: "unmade" },
  ]);
  expect(storedCalls({ meta_info: {} })).toEqual([]);
});

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

/** Pieces in a short form: texts, and lists of call ids. */
const cut = (text: string, ...calls: ToolCall[]) =>
  piecesOf(text, calls).map((piece) => (piece.kind === "text" ? piece.text : piece.calls.map((each) => each.callId)));

it("leaves a text without calls whole", () => {
  expect(cut("Hello")).toEqual(["Hello"]);
  expect(cut("")).toEqual([]);
});

it("places each call at its offset in code points", () => {
  expect(cut("😀 one two", call("b", 6), call("a", 0))).toEqual([["a"], "😀 one ", ["b"], "two"]);
});

it("drops blank lines after a call, but no indentation", () => {
  expect(cut("One.\n\n    code", call("a", 4))).toEqual(["One.", ["a"], "    code"]);
});

it("groups calls with nothing but space between them", () => {
  expect(cut("One.\n\nTwo.", call("a", 4), call("b", 4), call("c", 6))).toEqual(["One.", ["a", "b", "c"], "Two."]);
});

it("places calls with an offset after the end at the end", () => {
  expect(cut("One.", call("a", 9), call("b", 9))).toEqual(["One.", ["a", "b"]]);
});
