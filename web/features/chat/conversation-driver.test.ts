import { expect, it } from "vitest";
import { type Conversation, newConversation, reduceConversation } from "@/features/chat/conversation";
import { ConversationDriver } from "@/features/chat/conversation-driver";
import { ApiError, networkError } from "@/lib/api/problem";
import { answerMessage, approval, run, started, userMessage } from "@/lib/api/samples";
import type { Message, Messages, RunEvent } from "@/lib/api/types";

const ended = { ...answerMessage, content: "Hi", run: { ...run, status: "completed" as const } };
const completed: RunEvent = { type: "message.completed", message: ended };
const pageOf = (...items: Message[]): Messages => ({ items, next_cursor: null });
const refusal = (status: number, code: string) => new ApiError({ status, code, detail: "" });

function stream(...events: RunEvent[]): Response {
  return new Response(
    events
      .map(({ type, ...data }, index) => `id: 1-${index + 1}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
      .join(""),
  );
}

type Server = ConstructorParameters<typeof ConversationDriver>[0]["server"];

/** An open chat whose server gives the answers of `answers`, and records the calls that change something. */
function openChat(chatId: string | null, answers: Partial<Server>) {
  const calls: unknown[][] = [];
  const states: Conversation[] = [newConversation(chatId)];
  const record =
    <T>(name: string, result: T) =>
    async (...values: unknown[]) => {
      calls.push([name, ...values]);
      return result;
    };
  const server: Server = {
    listMessages: async () => pageOf(),
    getRun: async () => run,
    answerCall: record("answerCall", run),
    cancelRun: record("cancelRun", run),
    showBranch: record("showBranch", undefined as never),
    rateAnswer: record("rateAnswer", undefined),
    postDraft: async () => stream(started, completed),
    openRunEvents: async () => stream(started, completed),
    ...answers,
  };
  const driver = new ConversationDriver({
    chatId,
    server,
    dispatch: (action) => states.push(reduceConversation(states.at(-1) as Conversation, action)),
    events: {
      createChat: async () => "created",
      onActivity: (id) => calls.push(["activity", id]),
      onBegun: (id) => calls.push(["begun", id]),
    },
    frames: (show) => ({ push: show, cancel: () => {} }),
    wait: async () => {},
  });
  return { driver, calls, states, state: () => states.at(-1) as Conversation };
}

it("creates a chat with its first message, and reports its first answer", async () => {
  const posted: string[] = [];
  const { driver, calls, state } = openChat(null, {
    postDraft: async (chatId) => {
      posted.push(chatId);
      return stream(started, completed);
    },
  });
  await driver.send({ kind: "message", content: "Hello?" });
  expect(posted).toEqual(["created"]);
  expect(calls).toEqual([
    ["activity", "created"],
    ["activity", "created"],
    ["begun", "created"],
  ]);
  expect(state().messages.map(({ content }) => content)).toEqual(["Hello?", "Hi"]);
  expect(state()).toMatchObject({ draft: null, answer: null, error: null });
});

it("follows an unfinished answer of the history", async () => {
  const { driver, state } = openChat("chat", {
    listMessages: async () => pageOf(userMessage, { ...answerMessage, run }),
  });
  await driver.load();
  expect(state().messages.at(-1)).toMatchObject({ id: "answer", content: "Hi" });
});

it("sends a draft again with the same key only if it is unknown whether the server accepted it", async () => {
  const keys: string[] = [];
  const failures = [...Array.from({ length: 4 }, () => networkError(null)), refusal(429, "rate_limited")];
  const { driver, state } = openChat("chat", {
    postDraft: async (_, __, key) => {
      keys.push(key);
      const failure = failures.shift();
      if (failure) throw failure;
      return stream(started, completed);
    },
  });
  const draft = { kind: "message", content: "Hello?" } as const;
  await driver.send(draft);
  expect(state()).toMatchObject({ refused: draft, draft: null, error: { code: "network" } });
  await driver.send(draft);
  expect(state()).toMatchObject({ refused: draft, error: { code: "rate_limited" } });
  await driver.send(draft);
  expect(new Set(keys.slice(0, 5)).size).toBe(1);
  expect(keys[5]).not.toBe(keys[0]);
});

it("cancels a run as soon as it is known", async () => {
  const { driver, calls } = openChat("chat", {});
  const sent = driver.send({ kind: "message", content: "Hello?" });
  driver.stop();
  await sent;
  expect(calls).toContainEqual(["cancelRun", run.id]);
});

it("loads earlier pages until the message of another branch is among them", async () => {
  const later: Message = { ...userMessage, id: "later", parent_id: "answer" };
  const { driver, calls, state } = openChat("chat", {
    listMessages: async (_, before) =>
      before ? pageOf(userMessage, ended) : { items: [later], next_cursor: "before-later" },
  });
  await driver.show("question");
  expect(calls).toEqual([["showBranch", "chat", "question"]]);
  expect(state().messages.map(({ id }) => id)).toEqual(["question", "answer", "later"]);
  expect(state().switching).toBe(false);
});

it("restores the rating that the server did not store", async () => {
  const rejected = refusal(503, "service.unavailable");
  const { driver, state } = openChat("chat", {
    listMessages: async () => pageOf(userMessage, ended),
    rateAnswer: () => Promise.reject(rejected),
  });
  await driver.load();
  await driver.rate("answer", null, "up");
  expect(state().messages.at(-1)?.meta_info).toEqual({});
  expect(state().error).toBe(rejected);
});

it("reports a call that was decided in another tab, and shows the calls that still wait", async () => {
  const asked: RunEvent = { type: "tool.approval", ...approval("c1") };
  const open = new Promise<Response>(() => {});
  const responses = [async () => stream(started, asked), () => open];
  const { driver, state } = openChat("chat", {
    listMessages: async () => pageOf(userMessage, { ...answerMessage, run }),
    openRunEvents: () => (responses.shift() ?? (() => open))(),
    answerCall: () => Promise.reject(refusal(409, "call.decided")),
  });
  driver.load();
  await expect.poll(() => state().answer?.calls[0]?.state).toBe("waiting");
  await driver.decide({ call_id: "c1", decision: "once" });
  expect(state().error).toMatchObject({ code: "call.decided" });
  expect(state().answer?.calls[0]?.state).toBe("running");
});

it("stops reading when the chat is closed", async () => {
  const { driver, states } = openChat("chat", {});
  driver.open()();
  await Promise.resolve();
  expect(states.at(-1)?.phase).toBe("loading");
});
