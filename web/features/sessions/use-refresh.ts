"use client";

/** Fetches what the server knows of a chat: when it is opened, and when something of it has changed. */

import { useCallback, useEffect, useRef } from "react";
import { getSession, useSessions } from "@/features/sessions/sessions";

/** The pauses before each look for a title, which a model writes some seconds after the first answer. */
const TITLE_MS = [0, 1_000, 2_000, 5_000];

interface Freshness {
  /** Asks for a chat anew: its first message gives it a title, each one moves it up the list. */
  refresh: (id: string) => Promise<string | null>;
  /** Asks a few times more, until the title is another one. */
  awaitTitle: (id: string) => Promise<void>;
}

export function useFreshness(opened: string | null): Freshness {
  const { state, put } = useSessions();
  const listed = state !== "loading";
  const left = useRef(false);

  const refresh = useCallback(
    (id: string) =>
      getSession(id).then(
        (session) => {
          put(session);
          return session.title;
        },
        () => null,
      ),
    [put],
  );

  // What is in the list may be older than what a job, or another tab, has made of it.
  useEffect(() => {
    if (opened !== null && listed) refresh(opened);
  }, [opened, listed, refresh]);

  useEffect(() => {
    left.current = false;
    return () => {
      left.current = true;
    };
  }, []);

  const awaitTitle = useCallback(
    async (id: string) => {
      let first: string | null = null;
      for (const pause of TITLE_MS) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        if (left.current) return;
        const title = await refresh(id);
        first ??= title;
        if (title !== first) return;
      }
    },
    [refresh],
  );

  return { refresh, awaitTitle };
}
