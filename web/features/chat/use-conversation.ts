"use client";

/** Drives one open chat: its history and branches, offers, following the answer, stopping it. */

import { useCallback, useEffect, useReducer, useRef } from "react";
import {
  answerCall,
  cancelRun,
  getRun,
  listMessages,
  openRunEvents,
  postOffer,
  rateAnswer,
  showBranch,
} from "@/features/chat/api";
import { type Conversation, findUnfinished, newConversation, reduceConversation } from "@/features/chat/conversation";
import { type KeyedOffer, type Offer, withKey } from "@/features/chat/draft-request";
import { type Connections, follow, pause } from "@/features/chat/follow";
import { perFrame } from "@/features/chat/per-frame";
import { type Answer, newAnswer } from "@/features/chat/stream";
import { ApiError } from "@/lib/api/problem";
import type { ApprovalDecision, Messages, Rating } from "@/lib/api/types";
import { randomUuid } from "@/lib/uuid";

interface ConversationEvents {
  /** Makes a chat for the first message and returns its id. */
  createChat: () => Promise<string>;
  /** Called when a message was accepted, and when its answer has ended. */
  onActivity: (chatId: string) => void;
  /** Called when the first question of a chat was answered. */
  onBegun: (chatId: string) => void;
}

interface ConversationControl {
  conversation: Conversation;
  offer: (offer: Offer) => Promise<void>;
  /** Shows the branch that a message is on. */
  show: (messageId: string) => Promise<void>;
  rate: (messageId: string, from: Rating | null, to: Rating | null) => Promise<void>;
  /** Answers a call that waits; throws what is wrong with its arguments, or that it could not be told. */
  decide: (decision: ApprovalDecision) => Promise<void>;
  stop: () => void;
  reload: () => void;
  loadOlder: () => Promise<void>;
}

export function useConversation(opened: string | null, { createChat, onActivity, onBegun }: ConversationEvents) {
  const [conversation, dispatch] = useReducer(reduceConversation, opened, newConversation);
  const chatId = useRef(opened);
  const lifetime = useRef(new AbortController());
  const run = useRef({ id: null as string | null, stopping: false });
  /** What the server has not accepted yet. */
  const offered = useRef<KeyedOffer | null>(null);
  /** Ratings are told one after the other, so that the last one counts. */
  const ratings = useRef(Promise.resolve());

  const stopRun = useCallback(() => {
    if (!run.current.id || !run.current.stopping) return;
    run.current.stopping = false;
    cancelRun(run.current.id).catch((error) => dispatch({ type: "complained", error }));
  }, []);

  const watch = useCallback(
    async (start: Connections["start"], answer: Answer, signal: AbortSignal) => {
      const frames = perFrame((latest: Answer) => dispatch({ type: "written", answer: latest }));
      run.current = { id: answer.run?.id ?? null, stopping: run.current.stopping };
      try {
        const end = await follow({
          connections: { start, resume: (id, lastEventId) => openRunEvents(id, lastEventId, signal), look: getRun },
          answer,
          signal,
          pause: (failures) => pause(failures, signal),
          onConnection: (state) => dispatch({ type: "connection", state }),
          onChange: (latest) => {
            if (latest.run) offered.current = null;
            if (latest.run && !run.current.id && chatId.current) onActivity(chatId.current);
            run.current.id = latest.run?.id ?? null;
            stopRun();
            frames.push(latest);
          },
        });
        frames.cancel();
        dispatch({ type: "ended", answer: end });
        if (chatId.current) onActivity(chatId.current);
        if (chatId.current && end.userMessage?.parent_id === null) onBegun(chatId.current);
        return end;
      } finally {
        frames.cancel();
        run.current = { id: null, stopping: false };
      }
    },
    [onActivity, onBegun, stopRun],
  );

  const loadTo = useCallback(
    async (messageId: string | null) => {
      const { signal } = lifetime.current;
      if (!chatId.current) return;
      dispatch({ type: "load" });
      try {
        const page = await fetchTo(chatId.current, messageId);
        if (signal.aborted) return;
        dispatch({ type: "loaded", page });
        const unfinished = findUnfinished(page.items);
        if (!unfinished) return;
        const answer = newAnswer(unfinished);
        dispatch({ type: "written", answer });
        await watch(undefined, answer, signal);
      } catch (error) {
        if (!signal.aborted) dispatch({ type: "load-failed", error });
      }
    },
    [watch],
  );

  const load = useCallback(() => loadTo(null), [loadTo]);

  useEffect(() => {
    lifetime.current = new AbortController();
    load();
    return () => lifetime.current.abort();
  }, [load]);

  const offer = useCallback(
    async (made: Offer) => {
      const { signal } = lifetime.current;
      const { key } = withKey(made, offered.current, randomUuid);
      offered.current = { offer: made, key };
      run.current = { id: null, stopping: false };
      dispatch({ type: "offered", offer: made });
      try {
        chatId.current ??= await createChat();
        const id = chatId.current;
        const answer = await watch(() => postOffer(id, made, key), newAnswer(), signal);
        // A run whose log is gone tells its end only.
        if (!answer.userMessage) await load();
      } catch (error) {
        if (signal.aborted) return;
        if (!offered.current) {
          dispatch({ type: "lost-sight" });
          return load();
        }
        if (!(error instanceof ApiError && error.unanswered)) offered.current = null;
        dispatch({ type: "refused", error });
        if (error instanceof ApiError && error.code === "run.active") load();
      }
    },
    [createChat, watch, load],
  );

  const show = useCallback(
    async (messageId: string) => {
      const { signal } = lifetime.current;
      if (!chatId.current) return;
      dispatch({ type: "switch" });
      try {
        await showBranch(chatId.current, messageId);
      } catch (error) {
        dispatch({ type: "complained", error });
        return;
      }
      if (!signal.aborted) await loadTo(messageId);
    },
    [loadTo],
  );

  const rate = useCallback((messageId: string, from: Rating | null, to: Rating | null) => {
    dispatch({ type: "rated", id: messageId, rating: to });
    ratings.current = ratings.current
      .then(() => rateAnswer(messageId, to))
      .catch((error) => {
        dispatch({ type: "rated", id: messageId, rating: from });
        dispatch({ type: "complained", error });
      });
    return ratings.current;
  }, []);

  const decide = useCallback(async (decision: ApprovalDecision) => {
    const runId = run.current.id;
    if (!runId) return;
    const { call_id: callId } = decision;
    const denied = decision.decision === "deny";
    try {
      dispatch({ type: "decided", callId, denied, run: await answerCall(runId, decision) });
    } catch (error) {
      if (!(error instanceof ApiError && isSettled(error))) throw error;
      dispatch({ type: "complained", error });
      dispatch({ type: "decided", callId, denied: false, run: await getRun(runId) });
    }
  }, []);

  const stop = useCallback(() => {
    run.current.stopping = true;
    stopRun();
  }, [stopRun]);

  const loadOlder = useCallback(async () => {
    if (!chatId.current || !conversation.older) return;
    try {
      const page = await listMessages(chatId.current, conversation.older);
      dispatch({ type: "older-loaded", page });
    } catch (error) {
      dispatch({ type: "complained", error });
    }
  }, [conversation.older]);

  return { conversation, offer, show, rate, decide, stop, reload: load, loadOlder } satisfies ConversationControl;
}

/** The call waits no more: it was decided upon elsewhere, or its time is over. */
function isSettled(error: ApiError): boolean {
  return error.status === 409 || error.status === 404;
}

/** The newest messages of the shown branch, and those before them until the one named is among them. */
async function fetchTo(chatId: string, messageId: string | null): Promise<Messages> {
  let page = await listMessages(chatId, null);
  while (messageId && page.next_cursor && !page.items.some((each) => each.id === messageId)) {
    const older = await listMessages(chatId, page.next_cursor);
    page = { ...older, items: [...older.items, ...page.items] };
  }
  return page;
}
