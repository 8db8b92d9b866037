"use client";

/** Drives one open chat: its history, sending, following the answer, stopping it. */

import { useCallback, useEffect, useReducer, useRef } from "react";
import { cancelRun, type Draft, listMessages, openRunEvents, postMessage } from "@/features/chat/api";
import { type Conversation, findUnfinished, newConversation, reduceConversation } from "@/features/chat/conversation";
import { type Connections, follow } from "@/features/chat/follow";
import { perFrame } from "@/features/chat/frames";
import { pause } from "@/features/chat/pause";
import { type Answer, newAnswer } from "@/features/chat/stream";
import { ApiError } from "@/lib/api/problem";
import { randomUuid } from "@/lib/uuid";

interface ConversationEvents {
  /** Makes a chat for the first message and returns its id. */
  createChat: () => Promise<string>;
  /** Called when a message was accepted, and when its answer has ended. */
  onActivity: (chatId: string) => void;
}

export interface ConversationControl {
  conversation: Conversation;
  send: (draft: Draft) => Promise<void>;
  stop: () => void;
  reload: () => void;
  loadOlder: () => Promise<void>;
}

export function useConversation(opened: string | null, { createChat, onActivity }: ConversationEvents) {
  const [conversation, dispatch] = useReducer(reduceConversation, opened, newConversation);
  const chatId = useRef(opened);
  const lifetime = useRef(new AbortController());
  const run = useRef({ id: null as string | null, stopping: false });
  /** The message that the server has not accepted yet. */
  const offer = useRef<{ draft: Draft; key: string } | null>(null);

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
          connections: { start, resume: (id, lastEventId) => openRunEvents(id, lastEventId, signal) },
          answer,
          signal,
          pause: (failures) => pause(failures, signal),
          onConnection: (state) => dispatch({ type: "connection", state }),
          onChange: (latest) => {
            if (latest.run) offer.current = null;
            if (latest.run && !run.current.id && chatId.current) onActivity(chatId.current);
            run.current.id = latest.run?.id ?? null;
            stopRun();
            frames.push(latest);
          },
        });
        frames.cancel();
        dispatch({ type: "ended", answer: end });
        if (chatId.current) onActivity(chatId.current);
        return end;
      } finally {
        frames.cancel();
        run.current = { id: null, stopping: false };
      }
    },
    [onActivity, stopRun],
  );

  const load = useCallback(async () => {
    const { signal } = lifetime.current;
    if (!chatId.current) return;
    dispatch({ type: "load" });
    try {
      const page = await listMessages(chatId.current, null);
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
  }, [watch]);

  useEffect(() => {
    lifetime.current = new AbortController();
    load();
    return () => lifetime.current.abort();
  }, [load]);

  const send = useCallback(
    async (draft: Draft) => {
      const { signal } = lifetime.current;
      const key = keyFor(offer, draft);
      run.current = { id: null, stopping: false };
      dispatch({ type: "offered", content: draft.content });
      try {
        chatId.current ??= await createChat();
        const id = chatId.current;
        const answer = await watch(() => postMessage(id, draft, key), newAnswer(), signal);
        // A run whose log is gone tells its end only.
        if (!answer.userMessage) await load();
      } catch (error) {
        if (signal.aborted) return;
        if (!offer.current) return load();
        if (!(error instanceof ApiError && error.unanswered)) offer.current = null;
        dispatch({ type: "refused", error });
        if (error instanceof ApiError && error.code === "run.active") load();
      }
    },
    [createChat, watch, load],
  );

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

  return { conversation, send, stop, reload: load, loadOlder } satisfies ConversationControl;
}

/** The key of a message whose fate is unknown stays its key, so that offering it again can't start a second run. */
function keyFor(offer: { current: { draft: Draft; key: string } | null }, draft: Draft): string {
  const last = offer.current;
  const same = last && last.draft.content === draft.content && last.draft.model === draft.model;
  const key = same ? last.key : randomUuid();
  offer.current = { draft, key };
  return key;
}
