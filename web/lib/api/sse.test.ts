import { describe, expect, it } from "vitest";
import { readEvents, SilenceError } from "@/lib/api/sse";

const live = new AbortController().signal;

function bodyOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function all(body: ReadableStream<Uint8Array>) {
  const events = [];
  for await (const event of readEvents(body, live)) events.push(event);
  return events;
}

describe("readEvents", () => {
  it("reads events from any chunks, even if they split a character", async () => {
    const bytes = new TextEncoder().encode(': hi\n\nid: 1-1\nevent: message.delta\ndata: {"text":"안녕 😀"}\n\n');
    const expected = [{ id: "1-1", event: "message.delta", data: '{"text":"안녕 😀"}' }];
    for (let at = 1; at < bytes.length; at += 1) {
      expect(await all(bodyOf(bytes.slice(0, at), bytes.slice(at)))).toEqual(expected);
    }
  });

  it("drops an event that the end of the body truncates", async () => {
    expect(await all(bodyOf(new TextEncoder().encode("id: 1\nevent: x\ndata: {}\n\nid: 2\ndata: {")))).toHaveLength(1);
  });

  it("stops at a silent connection", async () => {
    const events = readEvents(new ReadableStream(), live, 5);
    await expect(events.next()).rejects.toBeInstanceOf(SilenceError);
  });

  it("cancels the body when it is aborted", async () => {
    const controller = new AbortController();
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      cancel: () => {
        cancelled = true;
      },
    });
    const next = readEvents(body, controller.signal).next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ name: "AbortError" });
    expect(cancelled).toBe(true);
  });
});
