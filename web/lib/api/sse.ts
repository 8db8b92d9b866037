/** Reads a response's body as server-sent events (WHATWG HTML, section 9.2). */

import { createParser, type EventSourceMessage } from "eventsource-parser";

/** The server writes at least a comment every 15 s. Three missed ones mean a dead connection. */
const SILENCE_MS = 45_000;

export class SilenceError extends Error {}

/** Yields events until the body ends. Throws if the connection breaks, is silent for too long, or is aborted. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  silenceMs = SILENCE_MS,
): AsyncGenerator<EventSourceMessage, void> {
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => ready.push(event) });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(silenceMs, signal, reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* ready.splice(0);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function within<T>(ms: number, signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new SilenceError(`nothing heard for ${ms} ms`)), ms);
    const leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    });
  });
}
