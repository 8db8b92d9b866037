/** The calls of tools in an answer: while it is written, and as they are stored with it. */

import type { CalledTool, Message, PendingApproval, Run, RunEvents, StoredToolCall } from "@/lib/api/types";

export interface ToolCall extends CalledTool {
  callId: string;
  /** Where in the text it stands, in code points. */
  at: number;
  state: "running" | "waiting" | "denied" | "unmade" | "done" | "failed";
  preview: string;
  cached: boolean;
  /** What its reader is asked while it waits. */
  asks: { inputSchema: Record<string, unknown>; expiresAt: string } | null;
}

export function withCall(calls: ToolCall[], called: RunEvents["tool.call"]): ToolCall[] {
  return put(calls, { ...begun(called, called.at), state: "running", asks: null });
}

/** Lets a call wait; one that is not known yet stands at the given place. */
export function withApproval(calls: ToolCall[], asked: PendingApproval, at: number): ToolCall[] {
  const asks = { inputSchema: asked.input_schema, expiresAt: asked.expires_at };
  const known = calls.find((each) => each.callId === asked.call_id);
  return put(calls, { ...begun(asked, known?.at ?? at), state: "waiting", asks });
}

export function withResult(calls: ToolCall[], { call_id, ok, preview, cached }: RunEvents["tool.result"]): ToolCall[] {
  return calls.map((each) =>
    each.callId === call_id ? { ...each, state: ok ? "done" : "failed", preview, cached, asks: null } : each,
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
  const others = calls.map((each) => (asked.has(each.callId) ? each : withDecision(each, "running")));
  return approvals.reduce((list, each) => withApproval(list, each, length), others);
}

/** What was decided upon calls, by their ids. */
export type Decisions = Record<string, "running" | "denied">;

/** A call that was decided upon waits no more, and one that was denied has not failed. */
export function withDecisions(calls: ToolCall[], decisions: Decisions): ToolCall[] {
  return calls.map((each) => withDecision(each, decisions[each.callId]));
}

export function isWaiting(calls: ToolCall[]): boolean {
  return calls.some((each) => each.state === "waiting");
}

/** The calls that are stored with a message. */
export function storedCalls({ meta_info }: Pick<Message, "meta_info">): ToolCall[] {
  const stored = (meta_info.tool_calls ?? []) as StoredToolCall[];
  return stored.map(({ call_id, status, ...call }) => ({
    ...call,
    callId: call_id,
    state: stateOf[status],
    asks: null,
  }));
}

/** Of a call whose answer has ended: what was begun and told nothing has failed, as far as one can know. */
const stateOf: Record<StoredToolCall["status"], ToolCall["state"]> = {
  proposed: "unmade",
  approved: "unmade",
  denied: "denied",
  started: "failed",
  completed: "done",
  failed: "failed",
  unknown: "failed",
};

function begun({ call_id, name, title, server, arguments: given }: CalledTool & { call_id: string }, at: number) {
  return { callId: call_id, name, title, server, arguments: given, at, preview: "", cached: false };
}

function put(calls: ToolCall[], call: ToolCall): ToolCall[] {
  const at = calls.findIndex((each) => each.callId === call.callId);
  return at < 0 ? [...calls, call] : calls.with(at, call);
}

function withDecision(call: ToolCall, decision: Decisions[string] | undefined): ToolCall {
  if (decision === "running" && call.state === "waiting") return { ...call, state: "running", asks: null };
  if (decision === "denied") return { ...call, state: "denied", asks: null };
  return call;
}

export type Piece = { kind: "text"; text: string } | { kind: "calls"; calls: ToolCall[] };

/** Calls with nothing but space between them stand together; blank lines at the head of a text are left out. */
export function piecesOf(text: string, calls: ToolCall[]): Piece[] {
  if (calls.length === 0) return text ? [{ kind: "text", text }] : [];
  const points = Array.from(text);
  const pieces: Piece[] = [];
  let end = 0;
  for (const call of calls.toSorted((a, b) => a.at - b.at)) {
    const at = Math.max(end, Math.min(call.at, points.length));
    addText(pieces, points.slice(end, at).join(""));
    addCall(pieces, call);
    end = at;
  }
  addText(pieces, points.slice(end).join(""));
  return pieces;
}

const BLANK_LINES = /^(?:[ \t]*\n)+/;

function addText(pieces: Piece[], text: string): void {
  if (text.trim()) pieces.push({ kind: "text", text: text.replace(BLANK_LINES, "") });
}

function addCall(pieces: Piece[], call: ToolCall): void {
  const last = pieces.at(-1);
  if (last?.kind === "calls") last.calls.push(call);
  else pieces.push({ kind: "calls", calls: [call] });
}
