import { describe, expect, it } from "vitest";
import { type Answer, newAnswer, reduce, replayed, withRun } from "@/features/chat/stream";
import { answerMessage, approval, called, failed, run, started, userMessage } from "@/lib/api/samples";
import type { RunEvent } from "@/lib/api/types";

const delta = (text: string, at: number): RunEvent => ({ type: "message.delta", text, at });
const reset = (text: string): RunEvent => ({ type: "message.reset", text });
const answerTo = (events: RunEvent[], answer: Answer = newAnswer()) => events.reduce(reduce, answer);

describe("start", () => {
  it("stores the run and both messages", () => {
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

  it("that are repeated change nothing", () => {
    const answer = answerTo([delta("one ", 0), delta("two", 4)]);
    expect(reduce(answer, delta("one ", 0))).toBe(answer);
    expect(reduce(answer, delta("two", 4))).toBe(answer);
  });

  it("that overlap add only what is new", () => {
    expect(answerTo([delta("😀ab", 0), delta("abcd", 1)])).toMatchObject({ text: "😀abcd", length: 5 });
  });

  it("after the end are a gap and are not joined", () => {
    expect(answerTo([delta("one ", 0), delta("three", 8)])).toMatchObject({ text: "one ", gap: true });
  });

  it("close a gap when the events are read again", () => {
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

describe("calls of tools", () => {
  const call = (at: number): RunEvent => ({ type: "tool.call", ...called("c1"), at });
  const result = (ok: boolean): RunEvent => ({ type: "tool.result", call_id: "c1", ok, preview: "4", cached: false });
  const asked: RunEvent = { type: "tool.approval", ...approval("c1") };
  const calls = (events: RunEvent[]) => answerTo(events).calls.map(({ state, at }) => [state, at]);

  it("have offsets in the text", () => {
    expect(calls([delta("😀 ", 0), call(2), delta("more", 2)])).toEqual([["running", 2]]);
    expect(calls([call(0), result(true)])).toEqual([["done", 0]]);
    expect(calls([delta("one", 0), call(3), asked])).toEqual([["waiting", 3]]);
    expect(calls([delta("one", 0), asked])).toEqual([["waiting", 3]]);
  });

  it("disappear with their text, unless they wait", () => {
    expect(calls([delta("one", 0), call(3), reset("on")])).toEqual([]);
    expect(calls([delta("one", 0), call(3), asked, reset("on")])).toEqual([["waiting", 2]]);
  });

  it("that wait are known from the history", () => {
    const waiting = { ...run, approvals: [approval("c1")] };
    expect(newAnswer({ ...answerMessage, content: "Let me see.", run: waiting }).calls).toMatchObject([
      { callId: "c1", state: "waiting", at: 11 },
    ]);
  });

  it("wait as the run says", () => {
    const answer = answerTo([started, delta("one", 0), call(3), asked]);
    expect(withRun(answer, run).calls).toMatchObject([{ state: "running" }]);
    expect(withRun(answerTo([reset("one")]), { ...run, approvals: [approval("c1")] }).calls).toMatchObject([
      { state: "waiting", at: 3 },
    ]);
  });

  it("are those stored with the message at the end", () => {
    const stored = { ...called("c1"), status: "completed", ok: true, preview: "4", cached: true, at: 0 };
    const message = { ...answerMessage, meta_info: { tool_calls: [stored] } };
    expect(answerTo([call(0), { type: "message.completed", message }]).calls).toMatchObject([
      { callId: "c1", state: "done", cached: true },
    ]);
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

it("ignores unknown events", () => {
  const answer = newAnswer();
  expect(reduce(answer, { type: "tool.progress" } as unknown as RunEvent)).toBe(answer);
});
