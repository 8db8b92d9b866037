/** Follows one run from its first event to its last, over any number of connections. */

import type { EventSourceMessage } from "eventsource-parser";
import { type Answer, newAnswer, reduce, replayed, withRun } from "@/features/chat/stream";
import { ApiError } from "@/lib/api/problem";
import { readEvents } from "@/lib/api/sse";
import type { Run, RunEvent } from "@/lib/api/types";

/** Attempts to send a draft before the page reports the error. */
export const MAX_STARTS = 4;

export interface Connections {
  /** Opens the events of the run after `lastEventId`, or from the first one. */
  resume: (runId: string, lastEventId: string | null) => Promise<Response>;
  /** Gets the run. */
  look: (runId: string) => Promise<Run>;
  /** Sends the draft that starts the run. Safe to repeat. Not needed for a known run. */
  start?: () => Promise<Response>;
}

interface Following {
  connections: Connections;
  /** The answer of a known run. */
  answer?: Answer;
  onChange: (answer: Answer) => void;
  onConnection?: (state: "open" | "lost") => void;
  pause: (failures: number) => Promise<void>;
  signal: AbortSignal;
}

/**
 * Returns the answer after its run has ended. A lost connection resumes after the last event, without a limit of
 * attempts, because the run continues without the page. After a gap in the text, the events are read again from the
 * first one. Throws errors that are final.
 */
export async function follow(following: Following): Promise<Answer> {
  const { connections, onChange, onConnection, pause, signal } = following;
  let answer = following.answer ?? newAnswer();
  let lastEventId: string | null = null;
  let failures = 0;
  let gaps = 0;

  for (;;) {
    try {
      const response = await open(connections, answer, lastEventId);
      onConnection?.("open");
      for await (const message of readEvents(bodyOf(response), signal)) {
        answer = heard(answer, message);
        if (answer.gap) break;
        // A reset does not list the waiting calls.
        if (message.event === "message.reset" && answer.run)
          answer = withRun(answer, await connections.look(answer.run.id));
        lastEventId = message.id ?? lastEventId;
        failures = 0;
        onChange(answer);
        if (answer.status !== "streaming") return answer;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (answer.run ? isFinal(error) : !isUnanswered(error) || failures + 1 >= MAX_STARTS) throw error;
    }
    if (answer.gap) {
      answer = replayed(answer);
      lastEventId = null;
      gaps += 1;
    }
    onConnection?.("lost");
    await pause(Math.max(failures, gaps - 1));
    signal.throwIfAborted();
    failures += 1;
  }
}

function open({ start, resume }: Connections, answer: Answer, lastEventId: string | null): Promise<Response> {
  if (answer.run) return resume(answer.run.id, lastEventId);
  if (start) return start();
  throw new TypeError("neither a run to follow nor a message to start one");
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  return response.body ?? new ReadableStream({ start: (controller) => controller.close() });
}

function heard(answer: Answer, { event, data }: EventSourceMessage): Answer {
  return event ? reduce(answer, { ...JSON.parse(data), type: event } as RunEvent) : answer;
}

/** Errors of the network or of a restarting server are not final. */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && !error.transient;
}

/** It is unknown whether the server got the draft, so that sending it again is safe and useful. */
function isUnanswered(error: unknown): boolean {
  return !(error instanceof ApiError) || error.unanswered;
}

const FIRST_MS = 300;
const LONGEST_MS = 10_000;

export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return full * (0.5 + random() / 2);
}

export function pause(failures: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, backoffMs(failures));
    window.addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}
