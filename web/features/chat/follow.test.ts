import { describe, expect, it } from "vitest";
import { isWaiting } from "@/features/calls/tool-calls";
import { backoffMs, type Connections, follow, MAX_STARTS } from "@/features/chat/follow";
import { type Answer, newAnswer } from "@/features/chat/stream";
import { ApiError, networkError } from "@/lib/api/problem";
import { answerMessage, approval, run, started } from "@/lib/api/samples";
import type { Run, RunEvent } from "@/lib/api/types";

/** One connection: events with their ids, then the end of the body or a lost connection. */
interface Script {
  events: [id: string, event: RunEvent][];
  breaks?: boolean;
}

const delta = (text: string, at: number): RunEvent => ({ type: "message.delta", text, at });
const completed = (content: string): RunEvent => ({
  type: "message.completed",
  message: { ...answerMessage, content },
});

function responseOf({ events, breaks }: Script): Response {
  const text = events.map(([id, { type, ...data }]) => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  const chunks = text.map((each) => new TextEncoder().encode(each));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else if (breaks) controller.error(new TypeError("network error"));
      else controller.close();
    },
  });
  return new Response(body);
}

/** Plays the scripts in order, one per connection, and throws those that are errors. */
function play(
  scripts: (Script | Error)[],
  { known = false, looked = run, signal = new AbortController().signal, onChange = (_: Answer) => {} } = {},
) {
  const opened: string[] = [];
  const pauses: number[] = [];
  const texts: string[] = [];
  const next = async (name: string) => {
    opened.push(name);
    const script = scripts.shift();
    if (!script) throw new ApiError({ status: 410, code: "script.over", detail: "" });
    if (script instanceof Error) throw script;
    return responseOf(script);
  };
  const connections: Connections = {
    start: known ? undefined : () => next("start"),
    resume: (id, lastEventId) => next(`${id} after ${lastEventId}`),
    look: async () => looked,
  };
  const end = follow({
    connections,
    answer: known ? newAnswer({ ...answerMessage, run }) : undefined,
    onChange: (answer) => {
      texts.push(answer.text);
      onChange(answer);
    },
    pause: async (failures) => void pauses.push(failures),
    signal,
  });
  return { end, opened, pauses, texts };
}

describe("follow", () => {
  it("reads a run to its end over the connection that started it", async () => {
    const { end, opened, texts } = play([
      {
        events: [
          ["1-1", started],
          ["1-2", delta("Hi", 0)],
          ["1-3", completed("Hi")],
        ],
      },
    ]);
    expect(await end).toMatchObject({ status: "done", text: "Hi" });
    expect(opened).toEqual(["start"]);
    expect(texts).toEqual(["", "Hi", "Hi"]);
  });

  it("resumes after the last event when the connection breaks or ends", async () => {
    const { end, opened } = play([
      {
        events: [
          ["1-1", started],
          ["1-2", delta("one ", 0)],
        ],
        breaks: true,
      },
      { events: [["1-3", delta("two ", 4)]] },
      {
        events: [
          ["1-4", delta("three", 8)],
          ["1-5", completed("one two three")],
        ],
      },
    ]);
    expect((await end).text).toBe("one two three");
    expect(opened).toEqual(["start", "run-1 after 1-2", "run-1 after 1-3"]);
  });

  it("neither loses nor repeats text when the server repeats events", async () => {
    const { end, texts } = play([
      {
        events: [
          ["1-1", started],
          ["1-2", delta("one ", 0)],
        ],
        breaks: true,
      },
      {
        events: [
          ["1-2", delta("one ", 0)],
          ["1-3", delta("two", 4)],
        ],
        breaks: true,
      },
      { events: [["1-4", completed("one two")]] },
    ]);
    await end;
    expect(texts).toEqual(["", "one ", "one ", "one two", "one two"]);
  });

  it("reads the events again from the first one after a gap", async () => {
    const { end, opened } = play([
      {
        events: [
          ["1-1", started],
          ["1-2", delta("one ", 0)],
          ["1-4", delta("three", 8)],
        ],
      },
      {
        events: [
          ["1-1", started],
          ["1-2", delta("one ", 0)],
          ["1-3", delta("two ", 4)],
          ["1-5", completed("all")],
        ],
      },
    ]);
    expect((await end).text).toBe("all");
    expect(opened).toEqual(["start", "run-1 after null"]);
  });

  it("follows a known run", async () => {
    const { end, opened } = play(
      [
        {
          events: [
            ["1-1", started],
            ["1-2", completed("Hi")],
          ],
        },
      ],
      { known: true },
    );
    expect((await end).text).toBe("Hi");
    expect(opened).toEqual(["run-1 after null"]);
  });

  it("gets the waiting calls of the run after a reset", async () => {
    const waits: boolean[] = [];
    const waiting: Run = { ...run, status: "waiting", approvals: [approval("c1")] };
    const events: Script["events"] = [
      ["1-1", started],
      ["2-1", { type: "message.reset", text: "Let me see." }],
      ["2-2", completed("Let me see.")],
    ];
    const { end } = play([{ events }], { looked: waiting, onChange: (answer) => waits.push(isWaiting(answer.calls)) });
    await end;
    expect(waits).toEqual([false, true, false]);
  });

  it("retries without a limit, with a longer pause after each failure", async () => {
    const down = Array.from({ length: 40 }, () => networkError(null));
    const busy = new ApiError({ status: 503, code: "service.unavailable", detail: "" });
    const { end, pauses } = play([
      { events: [["1-1", started]], breaks: true },
      ...down,
      busy,
      { events: [["1-2", delta("back", 0)]], breaks: true },
      { events: [["1-3", completed("back")]] },
    ]);
    expect((await end).text).toBe("back");
    expect(pauses.slice(0, 42)).toEqual(Array.from({ length: 42 }, (_, index) => index));
    expect(pauses[42]).toBe(0);
  });

  it("sends a draft a few times, then reports the error", async () => {
    const { end, opened } = play(Array.from({ length: 9 }, () => networkError(null)));
    await expect(end).rejects.toMatchObject({ code: "network" });
    expect(opened).toHaveLength(MAX_STARTS);
  });

  it.each([
    [409, "run.active"],
    [503, "model.unavailable"],
  ])("reports the error at once when the server answers %i %s", async (status, code) => {
    const { end, opened } = play([new ApiError({ status, code, detail: "" })]);
    await expect(end).rejects.toMatchObject({ code });
    expect(opened).toHaveLength(1);
  });

  it("ends when the run no longer exists", async () => {
    const gone = new ApiError({ status: 404, code: "run.not_found", detail: "" });
    const { end } = play([{ events: [["1-1", started]], breaks: true }, gone]);
    await expect(end).rejects.toMatchObject({ code: "run.not_found" });
  });

  it("stops reading when it is aborted", async () => {
    const controller = new AbortController();
    const silent = new Response(new ReadableStream());
    const end = follow({
      connections: { resume: async () => silent, look: async () => run },
      answer: newAnswer({ ...answerMessage, run }),
      onChange: () => {},
      onConnection: () => queueMicrotask(() => controller.abort()),
      pause: async () => {},
      signal: controller.signal,
    });
    await expect(end).rejects.toMatchObject({ name: "AbortError" });
  });
});

it("waits longer after each failure, up to ten seconds", () => {
  expect([0, 1, 2, 5, 40].map((failures) => backoffMs(failures, () => 1))).toEqual([300, 600, 1200, 9600, 10_000]);
  expect(backoffMs(0, () => 0)).toBe(150);
});
