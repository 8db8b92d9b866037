"use client";

/** The chats of who is signed in, shared by the sidebar and the open conversation. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { useNotify } from "@/features/notices/notices";
import * as server from "@/features/sessions/api";
import { withSessions } from "@/features/sessions/list";
import type { ChatSession } from "@/lib/api/types";

interface SessionsContext {
  sessions: ChatSession[];
  state: "loading" | "ready" | "failed";
  hasMore: boolean;
  loadMore: () => Promise<void>;
  put: (session: ChatSession) => void;
  rename: (id: string, title: string) => Promise<void>;
  remove: (id: string) => Promise<void>;
}

const Context = createContext<SessionsContext | null>(null);

export function SessionsProvider({ children }: { children: ReactNode }) {
  const { t } = useLocale();
  const notify = useNotify();
  const [sessions, setSessions] = useState<ChatSession[]>([]);
  const [state, setState] = useState<SessionsContext["state"]>("loading");
  const [cursor, setCursor] = useState<string | null>(null);

  const load = useCallback(async (from: string | null) => {
    setState("loading");
    try {
      const page = await server.listSessions(from);
      setSessions((list) => withSessions(list, page.items));
      setCursor(page.next_cursor);
      setState("ready");
    } catch {
      setState("failed");
    }
  }, []);

  useEffect(() => {
    load(null);
  }, [load]);

  const put = useCallback((session: ChatSession) => setSessions((list) => withSessions(list, [session])), []);

  const value = useMemo<SessionsContext>(() => {
    const drop = (id: string) => setSessions((list) => list.filter((session) => session.id !== id));
    const complain = (error: unknown) => notify({ text: describeError(t, error) });

    async function restore(session: ChatSession) {
      await server.restoreSession(session.id).then(() => put(session), complain);
    }

    return {
      sessions,
      state,
      hasMore: cursor !== null || state === "failed",
      loadMore: () => load(cursor),
      put,
      rename: (id, title) => server.changeSession(id, { title }).then(put, complain),
      remove: async (id) => {
        const session = sessions.find((each) => each.id === id);
        drop(id);
        try {
          await server.deleteSession(id);
          const undo = session && { label: t("sessions.undo"), run: () => restore(session) };
          notify({ text: t("sessions.deleted"), action: undo });
        } catch (error) {
          if (session) put(session);
          complain(error);
        }
      },
    };
  }, [sessions, state, cursor, load, put, notify, t]);

  return <Context value={value}>{children}</Context>;
}

export function useSessions(): SessionsContext {
  const value = useContext(Context);
  if (!value) throw new Error("useSessions needs a SessionsProvider");
  return value;
}
