/** A streaming answer: a pure reducer of the events of a run. */

import {
  storedCalls,
  type ToolCall,
  withApproval,
  withCall,
  withinText,
  withResult,
  withRunApprovals,
} from "@/features/calls/tool-calls";
import type { Message, Run, RunError, RunEvent, RunStatus } from "@/lib/api/types";

export interface Answer {
  status: "streaming" | "done" | "cancelled" | "failed";
  text: string;
  /** Length of `text` in Unicode code points, the unit of a delta's `at`. */
  length: number;
  /** A delta began after the end of the text. The events must be read again from the first one. */
  gap: boolean;
  calls: ToolCall[];
  run: Run | null;
  userMessage: Message | null;
  /** The message of the answer. After the last event it is the stored one. */
  message: Message | null;
}

/** An empty answer, or after a reload the answer of an unfinished message. */
export function newAnswer(message: Message | null = null): Answer {
  const run = message?.run ?? null;
  return {
    status: "streaming",
    text: "",
    length: 0,
    gap: false,
    calls: run ? withRunApprovals([], run, codePoints(message?.content ?? "")) : [],
    run,
    userMessage: null,
    message,
  };
}

/** Clears the text, before the events are read again from the first one. */
export function replayed(answer: Answer): Answer {
  return { ...answer, text: "", length: 0, gap: false, calls: [] };
}

/** Takes over the waiting calls of the run, because a lost live log can't contain them. */
export function withRun(answer: Answer, run: Run): Answer {
  return { ...answer, run, calls: withRunApprovals(answer.calls, run, answer.length) };
}

export function reduce(answer: Answer, event: RunEvent): Answer {
  if (answer.status !== "streaming") return answer;
  switch (event.type) {
    case "run.started":
      return { ...answer, run: event.run, userMessage: event.user_message, message: event.assistant_message };
    case "message.delta":
      return appended(answer, event.text, event.at);
    case "message.reset":
      return restarted(answer, event.text);
    case "tool.call":
      return { ...answer, calls: withCall(answer.calls, event) };
    case "tool.approval":
      return { ...answer, calls: withApproval(answer.calls, event, answer.length) };
    case "tool.result":
      return { ...answer, calls: withResult(answer.calls, event) };
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

function restarted(answer: Answer, text: string): Answer {
  const length = codePoints(text);
  return { ...answer, text, length, gap: false, calls: withinText(answer.calls, length) };
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
  const end = {
    status,
    text,
    length: codePoints(text),
    calls: storedCalls(message),
    run,
    message: { ...message, run },
  };
  return { ...answer, ...end, gap: false };
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
