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
import type { Offer } from "@/features/chat/draft-request";
import { newAnswer } from "@/features/chat/stream";
import { answerMessage, approval, run, userMessage } from "@/lib/api/samples";
import type { Message } from "@/lib/api/types";

const later: Message = { ...userMessage, id: "later", parent_id: answerMessage.id };
const page = { items: [userMessage, answerMessage, later], next_cursor: null };
const regenerate: Offer = { kind: "regenerate", replaces: answerMessage.id };
const edit: Offer = { kind: "edit", replaces: userMessage.id, content: "Hi?" };

const after = (actions: ConversationAction[], state: Conversation = newConversation("chat")) =>
  actions.reduce(reduceConversation, state);
const ids = (state: Conversation) => shownMessages(state).map((each) => each.id);

/** The answer after the first event of its run. */
function begun(question: Message, id: string) {
  const message = { ...answerMessage, id, parent_id: question.id };
  return { ...newAnswer(), run, userMessage: question, message };
}

describe("what is offered", () => {
  it("comes behind all messages, or in the place of one", () => {
    const loaded = after([{ type: "loaded", page }]);
    const offered = (offer: Offer) => ids(after([{ type: "offered", offer }], loaded));
    expect(offered({ kind: "message", content: "More" })).toEqual(["question", "answer", "later"]);
    expect(offered(regenerate)).toEqual(["question"]);
    expect(offered(edit)).toEqual([]);
    expect(offered({ kind: "regenerate", replaces: "elsewhere" })).toEqual(["question", "answer", "later"]);
  });

  it("has taken that place once it is accepted", () => {
    const again = after([
      { type: "loaded", page },
      { type: "offered", offer: regenerate },
      { type: "written", answer: begun(userMessage, "other") },
    ]);
    expect(again.offered).toBeNull();
    expect(again.messages.map((each) => each.id)).toEqual(["question", "other"]);

    const edited = after([
      { type: "loaded", page },
      { type: "offered", offer: edit },
      { type: "written", answer: begun({ ...userMessage, id: "edited" }, "other") },
      { type: "ended", answer: begun({ ...userMessage, id: "edited" }, "other") },
    ]);
    expect(ids(edited)).toEqual(["edited", "other"]);
    expect(edited.answer).toBeNull();
  });

  it("leaves what was there when it is refused", () => {
    const state = after([
      { type: "loaded", page },
      { type: "offered", offer: edit },
      { type: "refused", error: "no" },
    ]);
    expect(ids(state)).toEqual(["question", "answer", "later"]);
    expect(state).toMatchObject({ offered: null, refused: edit, error: "no" });
  });
});

it("switches until the branch is there, or can't be shown", () => {
  const switching = after([{ type: "loaded", page }, { type: "switch" }]);
  expect(switching.switching).toBe(true);
  expect(after([{ type: "load" }], switching).switching).toBe(true);
  expect(after([{ type: "loaded", page }], switching).switching).toBe(false);
  expect(after([{ type: "complained", error: "no" }], switching).switching).toBe(false);
});

it("keeps what is said of an answer, until it is taken back", () => {
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

it("shows a decision before the answer's own events tell of it", () => {
  const calls = ["c1", "c2", "c3"].reduce((list, id) => withApproval(list, approval(id), 0), [] as ToolCall[]);
  const written: ConversationAction = { type: "written", answer: { ...begun(userMessage, "answer"), calls } };
  const left = { ...run, approvals: [approval("c3")] };
  const decided: ConversationAction = { type: "decided", callId: "c1", denied: true, run: left };
  const states = (actions: ConversationAction[]) => after(actions).answer?.calls.map((each) => each.state);
  expect(states([written, decided])).toEqual(["denied", "running", "waiting"]);
  expect(states([written, decided, written])).toEqual(["denied", "running", "waiting"]);
  expect(after([decided]).answer).toBeNull();
});
