"use client";

/** Fetches what the server knows of a chat: when it is opened from a link, and when it says that something changed. */

import { useCallback, useEffect } from "react";
import { getSession } from "@/features/sessions/api";
import { useSessions } from "@/features/sessions/sessions";

/** Returns what asks for a chat anew: its first message gives it a title, each one moves it up the list. */
export function useFreshness(opened: string | null): (id: string) => void {
  const { sessions, state, put } = useSessions();
  const unknown = opened !== null && state === "ready" && !sessions.some((session) => session.id === opened);
  const refresh = useCallback((id: string) => void getSession(id).then(put, () => {}), [put]);

  useEffect(() => {
    if (unknown) refresh(opened);
  }, [unknown, opened, refresh]);

  return refresh;
}
