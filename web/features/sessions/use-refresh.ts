"use client";

/** Loads a chat again when it is opened and after it changed. */

import { useCallback, useEffect, useRef } from "react";
import { getSession, useSessions } from "@/features/sessions/sessions";

/** Pauses between checks for a title, which a job writes some seconds after the first answer. */
const TITLE_MS = [0, 1_000, 2_000, 5_000];

interface Freshness {
  /** Loads a chat again. Its first message changes the title, each message changes its place in the list. */
  refresh: (id: string) => Promise<string | null>;
  /** Loads a chat a few times, until its title changes. */
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

  // A job or another tab can have changed the chat.
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
