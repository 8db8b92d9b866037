import { describe, expect, it } from "vitest";
import { type ToolCall, withApproval } from "@/features/calls/tool-calls";
import {
  type Conversation,
  type ConversationAction,
  newConversation,
  ratingOf,
  reduceConversation,
  shownMessages,
} from "@/features/chat/conversation";
import type { Draft } from "@/features/chat/draft-request";
import { newAnswer } from "@/features/chat/stream";
import { answerMessage, approval, run, userMessage } from "@/lib/api/samples";
import type { Message } from "@/lib/api/types";

const later: Message = { ...userMessage, id: "later", parent_id: answerMessage.id };
const page = { items: [userMessage, answerMessage, later], next_cursor: null };
const regenerate: Draft = { kind: "regenerate", replaces: answerMessage.id };
const edit: Draft = { kind: "edit", replaces: userMessage.id, content: "Hi?" };

const after = (actions: ConversationAction[], state: Conversation = newConversation("chat")) =>
  actions.reduce(reduceConversation, state);
const ids = (state: Conversation) => shownMessages(state).map((each) => each.id);

/** The answer after the first event of its run. */
function begun(question: Message, id: string) {
  const message = { ...answerMessage, id, parent_id: question.id };
  return { ...newAnswer(), run, userMessage: question, message };
}

describe("a draft", () => {
  it("follows all messages, or takes the place of one", () => {
    const loaded = after([{ type: "loaded", page }]);
    const shown = (draft: Draft) => ids(after([{ type: "sent", draft }], loaded));
    expect(shown({ kind: "message", content: "More" })).toEqual(["question", "answer", "later"]);
    expect(shown(regenerate)).toEqual(["question"]);
    expect(shown(edit)).toEqual([]);
    expect(shown({ kind: "regenerate", replaces: "elsewhere" })).toEqual(["question", "answer", "later"]);
  });

  it("keeps that place after the server accepts it", () => {
    const again = after([
      { type: "loaded", page },
      { type: "sent", draft: regenerate },
      { type: "written", answer: begun(userMessage, "other") },
    ]);
    expect(again.draft).toBeNull();
    expect(again.messages.map((each) => each.id)).toEqual(["question", "other"]);

    const edited = after([
      { type: "loaded", page },
      { type: "sent", draft: edit },
      { type: "written", answer: begun({ ...userMessage, id: "edited" }, "other") },
      { type: "ended", answer: begun({ ...userMessage, id: "edited" }, "other") },
    ]);
    expect(ids(edited)).toEqual(["edited", "other"]);
    expect(edited.answer).toBeNull();
  });

  it("leaves the messages unchanged when it is rejected", () => {
    const state = after([
      { type: "loaded", page },
      { type: "sent", draft: edit },
      { type: "refused", error: "no" },
    ]);
    expect(ids(state)).toEqual(["question", "answer", "later"]);
    expect(state).toMatchObject({ draft: null, refused: edit, error: "no" });
  });
});

it("switches until the branch is loaded or fails", () => {
  const switching = after([{ type: "loaded", page }, { type: "switch" }]);
  expect(switching.switching).toBe(true);
  expect(after([{ type: "load" }], switching).switching).toBe(true);
  expect(after([{ type: "loaded", page }], switching).switching).toBe(false);
  expect(after([{ type: "complained", error: "no" }], switching).switching).toBe(false);
});

it("keeps the rating of an answer until it is removed", () => {
  const said = { ...answerMessage, meta_info: { other: 1 } };
  const rated = (rating: "up" | null) =>
    after([
      { type: "loaded", page: { ...page, items: [userMessage, said] } },
      { type: "rated", id: said.id, rating: "up" },
      { type: "rated", id: said.id, rating },
    ]).messages[1];
  expect(rated("up") && ratingOf(rated("up") as Message)).toBe("up");
  expect(rated(null)?.meta_info).toEqual({ other: 1 });
  expect(ratingOf(said)).toBeNull();
});

it("shows a decision before the events of the answer contain it", () => {
  const calls = ["c1", "c2", "c3"].reduce((list, id) => withApproval(list, approval(id), 0), [] as ToolCall[]);
  const written: ConversationAction = { type: "written", answer: { ...begun(userMessage, "answer"), calls } };
  const left = { ...run, approvals: [approval("c3")] };
  const decided: ConversationAction = { type: "decided", callId: "c1", denied: true, run: left };
  const states = (actions: ConversationAction[]) => after(actions).answer?.calls.map((each) => each.state);
  expect(states([written, decided])).toEqual(["denied", "running", "waiting"]);
  expect(states([written, decided, written])).toEqual(["denied", "running", "waiting"]);
  expect(after([decided]).answer).toBeNull();
});
