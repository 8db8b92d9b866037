/** The tool calls of an answer, while it streams and as stored with its message. */

import type { CalledTool, Message, PendingApproval, Run, RunEvents, StoredToolCall } from "@/lib/api/types";

export interface ToolCall extends CalledTool {
  callId: string;
  /** Its offset in the text, in code points. */
  at: number;
  state: "running" | "waiting" | "denied" | "unmade" | "done" | "failed";
  preview: string;
  cached: boolean;
  /** Present while the call waits for an approval. */
  asks: { inputSchema: Record<string, unknown>; expiresAt: string } | null;
}

export function withCall(calls: ToolCall[], called: RunEvents["tool.call"]): ToolCall[] {
  return put(calls, { ...begun(called, called.at), state: "running", asks: null });
}

/** Marks a call as waiting. An unknown call is added at offset `at`. */
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

/** After a reset to `length` code points: keeps calls inside the text, and waiting calls. */
export function withinText(calls: ToolCall[], length: number): ToolCall[] {
  const kept = calls.filter((each) => each.at <= length || each.state === "waiting");
  return kept.map((each) => (each.at > length ? { ...each, at: length } : each));
}

/** Takes over the waiting calls of the run. Unknown calls are added at the end of the text. */
export function withRunApprovals(calls: ToolCall[], { approvals }: Pick<Run, "approvals">, length: number): ToolCall[] {
  const asked = new Set(approvals.map((each) => each.call_id));
  const others = calls.map((each) => (asked.has(each.callId) ? each : withDecision(each, "running")));
  return approvals.reduce((list, each) => withApproval(list, each, length), others);
}

/** Decisions by call id. */
export type Decisions = Record<string, "running" | "denied">;

/** Applies decisions: an allowed call runs, and a denied call counts as denied instead of failed. */
export function withDecisions(calls: ToolCall[], decisions: Decisions): ToolCall[] {
  return calls.map((each) => withDecision(each, decisions[each.callId]));
}

export function isWaiting(calls: ToolCall[]): boolean {
  return calls.some((each) => each.state === "waiting");
}

export function storedCalls({ meta_info }: Pick<Message, "meta_info">): ToolCall[] {
  const stored = (meta_info.tool_calls ?? []) as StoredToolCall[];
  return stored.map(({ call_id, status, ...call }) => ({
    ...call,
    callId: call_id,
    state: stateOf[status],
    asks: null,
  }));
}

/** State of a call after its answer ended. A started call without a result counts as failed. */
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

/** Cuts an answer at its tool calls. Calls with only white space between them form one piece. Leading blank lines are dropped. */
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
