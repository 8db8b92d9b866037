/** The state of the open chat: a pure reducer of its messages, draft, answer and errors. */

import { type Decisions, withDecisions } from "@/features/calls/tool-calls";
import type { Draft } from "@/features/chat/draft-request";
import type { Answer } from "@/features/chat/stream";
import { ApiError } from "@/lib/api/problem";
import type { Message, Messages, Rating, Run, RunStatus } from "@/lib/api/types";

export interface Conversation {
  phase: "loading" | "ready" | "missing" | "failed";
  /** Oldest first. */
  messages: Message[];
  /** Cursor of the page before the first message. */
  older: string | null;
  /** Not accepted by the server yet. */
  draft: Draft | null;
  /** Another branch is loading. */
  switching: boolean;
  answer: Answer | null;
  /** Decisions about calls that still wait in the events of the answer. */
  decisions: Decisions;
  connection: "open" | "lost";
  /** Rejected by the server. Its text returns to the field. */
  refused: Draft | null;
  error: unknown;
}

export type ConversationAction =
  | { type: "load" }
  | { type: "loaded"; page: Messages }
  | { type: "load-failed"; error: unknown }
  | { type: "older-loaded"; page: Messages }
  | { type: "sent"; draft: Draft }
  | { type: "refused"; error: unknown }
  | { type: "lost-sight" }
  | { type: "switch" }
  | { type: "rated"; id: string; rating: Rating | null }
  | { type: "written"; answer: Answer }
  | { type: "ended"; answer: Answer }
  /** A call was decided, here or in another tab. The run lists the calls that still wait. */
  | { type: "decided"; callId: string; denied: boolean; run: Run }
  | { type: "connection"; state: Conversation["connection"] }
  | { type: "complained"; error: unknown };

export function newConversation(chatId: string | null): Conversation {
  return {
    phase: chatId ? "loading" : "ready",
    messages: [],
    older: null,
    draft: null,
    switching: false,
    answer: null,
    decisions: {},
    connection: "open",
    refused: null,
    error: null,
  };
}

export function reduceConversation(state: Conversation, action: ConversationAction): Conversation {
  switch (action.type) {
    case "load":
      return {
        ...state,
        phase: state.messages.length ? "ready" : "loading",
        error: state.phase === "failed" ? null : state.error,
      };
    case "loaded":
      return {
        ...state,
        phase: "ready",
        messages: action.page.items,
        older: action.page.next_cursor,
        switching: false,
      };
    case "load-failed":
      return { ...state, switching: false, phase: isMissing(action.error) ? "missing" : "failed", error: action.error };
    case "older-loaded":
      return { ...state, messages: [...action.page.items, ...state.messages], older: action.page.next_cursor };
    case "sent":
      return { ...state, draft: action.draft, refused: null, error: null };
    case "refused":
      return { ...state, draft: null, answer: null, connection: "open", refused: state.draft, error: action.error };
    case "lost-sight":
      return { ...state, draft: null, answer: null, connection: "open" };
    case "switch":
      return { ...state, switching: true, refused: null, error: null };
    case "rated":
      return {
        ...state,
        messages: state.messages.map((each) => (each.id === action.id ? withRating(each, action.rating) : each)),
      };
    case "written":
      return withAnswer(state, action.answer, action.answer);
    case "ended":
      return { ...withAnswer(state, action.answer, null), connection: "open" };
    case "decided":
      return withDecision(state, action);
    case "connection":
      return state.connection === action.state ? state : { ...state, connection: action.state };
    case "complained":
      return { ...state, switching: false, error: action.error };
  }
}

/** The messages before the place of the draft. */
export function shownMessages({ messages, draft }: Pick<Conversation, "messages" | "draft">): Message[] {
  if (!draft || draft.kind === "message") return messages;
  const at = messages.findIndex((each) => each.id === draft.replaces);
  return at < 0 ? messages : messages.slice(0, at);
}

/** Stores both messages of the answer. Once the server has accepted them, there is no draft. */
function withAnswer(state: Conversation, answer: Answer, writing: Answer | null): Conversation {
  const known = [answer.userMessage, answer.message].filter((message) => message !== null);
  const messages = known.reduce(withMessage, answer.message ? shownMessages(state) : state.messages);
  const shown = writing && { ...writing, calls: withDecisions(writing.calls, state.decisions) };
  return { ...state, messages, draft: answer.message ? null : state.draft, answer: shown };
}

function withDecision(state: Conversation, { callId, denied, run }: { callId: string; denied: boolean; run: Run }) {
  const { answer } = state;
  if (!answer) return state;
  const asked = new Set(run.approvals.map((each) => each.call_id));
  const settled = answer.calls.filter((each) => each.state === "waiting" && !asked.has(each.callId));
  const decisions: Decisions = { ...state.decisions };
  for (const each of settled) decisions[each.callId] = each.callId === callId && denied ? "denied" : "running";
  return { ...state, decisions, answer: { ...answer, calls: withDecisions(answer.calls, decisions) } };
}

function withMessage(messages: Message[], message: Message): Message[] {
  const at = messages.findIndex((each) => each.id === message.id);
  if (at < 0) return [...messages, message];
  return messages[at] === message ? messages : messages.with(at, message);
}

const active: RunStatus[] = ["queued", "running", "waiting"];

/** The message with an unfinished run. */
export function findUnfinished(messages: Message[]): Message | undefined {
  return messages.findLast((each) => each.role === "assistant" && each.run && active.includes(each.run.status));
}

export type AnswerStatus = Answer["status"];

export function statusOf(message: Message): AnswerStatus {
  const status = message.run?.status;
  if (status === "failed" || status === "cancelled") return status;
  return status && active.includes(status) ? "streaming" : "done";
}

/** The rating of an answer. */
export function ratingOf(message: Message): Rating | null {
  const feedback = message.meta_info.feedback as { rating?: Rating } | undefined;
  return feedback?.rating ?? null;
}

function withRating(message: Message, rating: Rating | null): Message {
  const { feedback: _, ...others } = message.meta_info;
  return { ...message, meta_info: rating ? { ...others, feedback: { rating } } : others };
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 422);
}
