import { describe, expect, it } from "vitest";
import { answerMessage, failed, run, started, userMessage } from "@/features/chat/samples";
import { type Answer, newAnswer, type RunEvent, reduce, replayed } from "@/features/chat/stream";

const delta = (text: string, at: number): RunEvent => ({ type: "message.delta", text, at });
const reset = (text: string): RunEvent => ({ type: "message.reset", text });
const answerTo = (events: RunEvent[], answer: Answer = newAnswer()) => events.reduce(reduce, answer);

describe("start", () => {
  it("takes over the run and both messages", () => {
    const answer = answerTo([started]);
    expect(answer).toMatchObject({ status: "streaming", text: "", run, userMessage, message: answerMessage });
  });

  it("continues a message known from the history", () => {
    expect(newAnswer({ ...answerMessage, run })).toMatchObject({ run, message: { id: answerMessage.id } });
  });
});

describe("deltas", () => {
  it("are joined in order", () => {
    expect(answerTo([started, delta("안녕", 0), delta("하세요", 2)])).toMatchObject({ text: "안녕하세요", length: 5 });
  });

  it("count code points, not UTF-16 units", () => {
    const answer = answerTo([delta("😀👍", 0), delta("!", 2)]);
    expect(answer).toMatchObject({ text: "😀👍!", length: 3, gap: false });
  });

  it("that were heard before change nothing", () => {
    const answer = answerTo([delta("one ", 0), delta("two", 4)]);
    expect(reduce(answer, delta("one ", 0))).toBe(answer);
    expect(reduce(answer, delta("two", 4))).toBe(answer);
  });

  it("that overlap add only what is new", () => {
    expect(answerTo([delta("😀ab", 0), delta("abcd", 1)])).toMatchObject({ text: "😀abcd", length: 5 });
  });

  it("behind the end are a gap and are not joined", () => {
    expect(answerTo([delta("one ", 0), delta("three", 8)])).toMatchObject({ text: "one ", gap: true });
  });

  it("heal a gap when the run is replayed", () => {
    const broken = answerTo([started, delta("one ", 0), delta("three", 8)]);
    const answer = answerTo([started, delta("one ", 0), delta("two ", 4), delta("three", 8)], replayed(broken));
    expect(answer).toMatchObject({ text: "one two three", gap: false });
  });
});

describe("reset", () => {
  it("replaces the text, and deltas go on from there", () => {
    const answer = answerTo([delta("first attempt", 0), reset("second"), delta(" attempt", 6)]);
    expect(answer).toMatchObject({ text: "second attempt", length: 14 });
  });

  it("closes a gap", () => {
    expect(answerTo([delta("x", 5), reset("whole")])).toMatchObject({ text: "whole", gap: false });
  });
});

describe("tools", () => {
  const call: RunEvent = { type: "tool.call", call_id: "c1", name: "search", arguments: {} };
  const result = (ok: boolean): RunEvent => ({ type: "tool.result", call_id: "c1", ok, preview: null, cached: false });

  it("run, then are done or failed", () => {
    expect(answerTo([call]).tools).toEqual([{ callId: "c1", name: "search", state: "running" }]);
    expect(answerTo([call, result(true)]).tools[0]?.state).toBe("done");
    expect(answerTo([call, result(false)]).tools[0]?.state).toBe("failed");
  });

  it("called again with the same id are listed once", () => {
    expect(answerTo([call, call, result(true)]).tools).toHaveLength(1);
  });
});

describe("end", () => {
  const stored = { ...answerMessage, content: "stored text" };

  it("takes the stored message when completed", () => {
    const answer = answerTo([started, delta("stored", 0), { type: "message.completed", message: stored }]);
    expect(answer).toMatchObject({ status: "done", text: "stored text", message: { run: { status: "completed" } } });
  });

  it("keeps the text so far when cancelled", () => {
    const answer = answerTo([
      started,
      delta("sto", 0),
      { type: "run.cancelled", message: { ...stored, content: "sto" } },
    ]);
    expect(answer).toMatchObject({ status: "cancelled", text: "sto", message: { run: { status: "cancelled" } } });
  });

  it("names the cause when failed", () => {
    const error = { code: "provider.timeout", detail: "nothing heard" };
    expect(answerTo([started, failed])).toMatchObject({
      status: "failed",
      message: { run: { status: "failed", error } },
    });
  });

  it("is the end: what comes later changes nothing", () => {
    const answer = answerTo([started, failed]);
    expect(reduce(answer, delta("more", 0))).toBe(answer);
  });
});

it("passes over events that it does not know", () => {
  const answer = newAnswer();
  expect(reduce(answer, { type: "tool.approval" } as unknown as RunEvent)).toBe(answer);
});
