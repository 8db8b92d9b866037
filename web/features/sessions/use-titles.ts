"use client";

/** Fetches what the server knows of a chat: when it is opened from a link, and its title, which a job writes after the answer. */

import { useCallback, useEffect, useRef } from "react";
import { getSession } from "@/features/sessions/api";
import { useSessions } from "@/features/sessions/sessions";

const TITLE_AFTER_MS = [0, 1_500, 4_000, 10_000];

export function useTitles(opened: string | null): (id: string) => void {
  const { sessions, state, put } = useSessions();
  const timers = useRef<ReturnType<typeof setTimeout>[]>([]);
  const unknown = opened !== null && state === "ready" && !sessions.some((session) => session.id === opened);

  useEffect(() => {
    if (unknown) getSession(opened).then(put, () => {});
  }, [unknown, opened, put]);

  useEffect(() => () => timers.current.forEach(clearTimeout), []);

  return useCallback(
    (id: string) => {
      const ask = async (attempt: number) => {
        const session = await getSession(id).catch(() => null);
        if (session) put(session);
        const delay = TITLE_AFTER_MS[attempt + 1];
        if (session && !session.title && delay) timers.current.push(setTimeout(ask, delay, attempt + 1));
      };
      ask(0);
    },
    [put],
  );
}
