/** An answer while it is written: a pure reducer from a run's events to its text, tools and end. */

import type { Message, Run, RunError, RunEvents, RunStatus } from "@/lib/api/types";

export type RunEvent = { [Name in keyof RunEvents]: { type: Name } & RunEvents[Name] }[keyof RunEvents];

export interface ToolUse {
  callId: string;
  name: string;
  state: "running" | "done" | "failed";
}

export interface Answer {
  status: "streaming" | "done" | "cancelled" | "failed";
  text: string;
  /** Length of `text` in Unicode code points, the unit of a delta's `at`. */
  length: number;
  /** A delta began behind the end of the text: something is missing, and the run has to be read again from its start. */
  gap: boolean;
  tools: ToolUse[];
  run: Run | null;
  userMessage: Message | null;
  /** The answer's message; with the run's last event the stored one. */
  message: Message | null;
}

/** An answer nobody has heard of yet, or (after a reload) that of a message known from the history. */
export function newAnswer(message: Message | null = null): Answer {
  return {
    status: "streaming",
    text: "",
    length: 0,
    gap: false,
    tools: [],
    run: message?.run ?? null,
    userMessage: null,
    message,
  };
}

/** Forgets the text, for a replay from the run's first event. */
export function replayed(answer: Answer): Answer {
  return { ...answer, text: "", length: 0, gap: false, tools: [] };
}

export function reduce(answer: Answer, event: RunEvent): Answer {
  if (answer.status !== "streaming") return answer;
  switch (event.type) {
    case "run.started":
      return { ...answer, run: event.run, userMessage: event.user_message, message: event.assistant_message };
    case "message.delta":
      return appended(answer, event.text, event.at);
    case "message.reset":
      return { ...answer, text: event.text, length: codePoints(event.text), gap: false };
    case "tool.call":
      return withTool(answer, { callId: event.call_id, name: event.name, state: "running" });
    case "tool.result":
      return withToolResult(answer, event.call_id, event.ok);
    case "message.completed":
      return ended(answer, "done", "completed", event.message, null);
    case "run.cancelled":
      return ended(answer, "cancelled", "cancelled", event.message, null);
    case "run.failed":
      return ended(answer, "failed", "failed", event.message, { code: event.code, detail: event.detail });
    default:
      return answer;
  }
}

function appended(answer: Answer, text: string, at: number): Answer {
  if (at > answer.length) return { ...answer, gap: true };
  const known = answer.length - at;
  const size = codePoints(text);
  if (size <= known) return answer;
  const fresh = known === 0 ? text : Array.from(text).slice(known).join("");
  return { ...answer, text: answer.text + fresh, length: at + size };
}

function withTool(answer: Answer, tool: ToolUse): Answer {
  const others = answer.tools.filter((each) => each.callId !== tool.callId);
  return { ...answer, tools: [...others, tool] };
}

function withToolResult(answer: Answer, callId: string, ok: boolean): Answer {
  const state: ToolUse["state"] = ok ? "done" : "failed";
  return { ...answer, tools: answer.tools.map((each) => (each.callId === callId ? { ...each, state } : each)) };
}

function ended(
  answer: Answer,
  status: Answer["status"],
  runStatus: RunStatus,
  message: Message,
  error: RunError | null,
): Answer {
  const known = message.run ?? answer.run;
  const run = known && { ...known, status: runStatus, error: error ?? known.error };
  const text = message.content;
  return { ...answer, status, text, length: codePoints(text), gap: false, run, message: { ...message, run } };
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
