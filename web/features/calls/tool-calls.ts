/** The calls of tools in an answer: while it is written, and as they are stored with it. */

import type { CalledTool, Message, PendingApproval, Run, RunEvents, StoredToolCall } from "@/lib/api/types";

export interface ToolCall extends CalledTool {
  callId: string;
  /** Where in the text it stands, in code points. */
  at: number;
  state: "running" | "waiting" | "denied" | "done" | "failed";
  preview: string;
  cached: boolean;
  /** What its reader is asked while it waits. */
  asks: { inputSchema: Record<string, unknown>; expiresAt: string } | null;
}

/** Adds a call where the text has come to; one that is known stays where it is. */
export function withCall(calls: ToolCall[], called: RunEvents["tool.call"], at: number): ToolCall[] {
  return put(calls, { ...begun(called, at), state: "running", asks: null });
}

export function withApproval(calls: ToolCall[], asked: PendingApproval, at: number): ToolCall[] {
  const asks = { inputSchema: asked.input_schema, expiresAt: asked.expires_at };
  return put(calls, { ...begun(asked, at), state: "waiting", asks });
}

export function withResult(calls: ToolCall[], { call_id, ok, preview, cached }: RunEvents["tool.result"]): ToolCall[] {
  const state = (call: ToolCall) => (call.state === "denied" ? "denied" : ok ? "done" : "failed");
  return calls.map((each) =>
    each.callId === call_id ? { ...each, state: state(each), preview, cached, asks: null } : each,
  );
}

/** A text that begins anew, `length` code points long, leaves what stands in it and what waits. */
export function withinText(calls: ToolCall[], length: number): ToolCall[] {
  const kept = calls.filter((each) => each.at <= length || each.state === "waiting");
  return kept.map((each) => (each.at > length ? { ...each, at: length } : each));
}

/** Makes those calls wait that the run says wait, and no other; unknown ones stand at the text's end. */
export function withRunApprovals(calls: ToolCall[], { approvals }: Pick<Run, "approvals">, length: number): ToolCall[] {
  const asked = new Set(approvals.map((each) => each.call_id));
  const others = calls.map((each) => (asked.has(each.callId) ? each : decided(each, "running")));
  return approvals.reduce((list, each) => withApproval(list, each, length), others);
}

/** What has become of calls that waited, by their ids. */
export type Decisions = Record<string, "running" | "denied">;

/** A call that was decided upon waits no more; its result is yet to come. */
export function withDecisions(calls: ToolCall[], decisions: Decisions): ToolCall[] {
  const changes = calls.some((each) => each.state === "waiting" && decisions[each.callId]);
  return changes ? calls.map((each) => decided(each, decisions[each.callId])) : calls;
}

export function isWaiting(calls: ToolCall[]): boolean {
  return calls.some((each) => each.state === "waiting");
}

/** The calls that are stored with a message. */
export function storedCalls({ meta_info }: Pick<Message, "meta_info">): ToolCall[] {
  const stored = (meta_info.tool_calls ?? []) as StoredToolCall[];
  return stored.map(({ call_id, ok, status, ...call }) => ({
    ...call,
    callId: call_id,
    state: status === "denied" ? "denied" : ok ? "done" : "failed",
    asks: null,
  }));
}

function begun({ call_id, name, title, server, arguments: given }: CalledTool & { call_id: string }, at: number) {
  return { callId: call_id, name, title, server, arguments: given, at, preview: "", cached: false };
}

function put(calls: ToolCall[], call: ToolCall): ToolCall[] {
  const at = calls.findIndex((each) => each.callId === call.callId);
  const known = calls[at];
  return known ? calls.with(at, { ...call, at: known.at }) : [...calls, call];
}

function decided(call: ToolCall, state: "running" | "denied" | undefined): ToolCall {
  return state && call.state === "waiting" ? { ...call, state, asks: null } : call;
}
