import { describe, expect, it } from "vitest";
import {
  isWaiting,
  storedCalls,
  type ToolCall,
  withApproval,
  withCall,
  withDecisions,
  withinText,
  withResult,
  withRunApprovals,
} from "@/features/calls/tool-calls";
import { approval, called } from "@/features/chat/samples";

const begun = withCall([], { ...called("c1"), at: 4 });
const waiting = withApproval(begun, approval("c1"), 9);
const result = (ok: boolean) => ({ call_id: "c1", ok, preview: "4", cached: true });
const states = (calls: ToolCall[]) => calls.map(({ callId, state }) => [callId, state]);

describe("a call", () => {
  it("stands where it was made, until it is done or failed", () => {
    expect(begun).toMatchObject([{ callId: "c1", title: "Create issue", at: 4, state: "running", asks: null }]);
    expect(withResult(begun, result(true))).toMatchObject([{ at: 4, state: "done", preview: "4", cached: true }]);
    expect(withResult(begun, result(false))).toMatchObject([{ state: "failed" }]);
    expect(withCall(withResult(begun, result(true)), { ...called("c1"), at: 4 })).toEqual(begun);
  });

  it("waits where it asks first, at its place", () => {
    expect(waiting).toMatchObject([{ at: 4, state: "waiting", asks: { expiresAt: approval("c1").expires_at } }]);
    expect([isWaiting(waiting), isWaiting(begun)]).toEqual([true, false]);
  });

  it("that was decided upon waits no more, and one that was denied has not failed", () => {
    expect(states(withDecisions(waiting, { c1: "running" }))).toEqual([["c1", "running"]]);
    expect(withDecisions(waiting, { c2: "running" })).toEqual(waiting);
    expect(states(withDecisions(withResult(waiting, result(true)), { c1: "running" }))).toEqual([["c1", "done"]]);
    const denied = withDecisions(withResult(waiting, result(false)), { c1: "denied" });
    expect(denied).toMatchObject([{ state: "denied", asks: null, preview: "4" }]);
  });
});

describe("a text that begins anew", () => {
  it("keeps what stands in it and what waits", () => {
    const calls = [...begun, ...withApproval([], approval("c2"), 9), ...withCall([], { ...called("c3"), at: 9 })];
    expect(withinText(calls, 4).map(({ callId, at }) => [callId, at])).toEqual([
      ["c1", 4],
      ["c2", 4],
    ]);
  });
});

describe("a run's own document", () => {
  it("says which calls wait", () => {
    const calls = withRunApprovals(waiting, { approvals: [approval("c2")] }, 7);
    expect(states(calls)).toEqual([
      ["c1", "running"],
      ["c2", "waiting"],
    ]);
    expect(calls[1]?.at).toBe(7);
    expect(withRunApprovals(waiting, { approvals: [approval("c1")] }, 7)).toEqual(waiting);
  });
});

it("reads what is stored with a message", () => {
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
