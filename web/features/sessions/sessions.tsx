"use client";

/** The chats of the account, shared by the sidebar and the open chat. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { useNotify } from "@/components/notices";
import { api, query } from "@/lib/api/client";
import type { ChatSession, ChatSessionChange, ChatSessions, NewChatSession } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError, type TextKey } from "@/lib/locale/texts";

const PAGE = 30;

const listSessions = (cursor: string | null) => api.get<ChatSessions>(`/sessions${query({ limit: PAGE, cursor })}`);
export const getSession = (id: string) => api.get<ChatSession>(`/sessions/${id}`);
export const createSession = (session: NewChatSession) => api.post<ChatSession>("/sessions", session);
export const changeSession = (id: string, change: ChatSessionChange) =>
  api.patch<ChatSession>(`/sessions/${id}`, change);
const deleteSession = (id: string) => api.delete(`/sessions/${id}`);
const restoreSession = (id: string) => api.post<ChatSession>(`/sessions/${id}/restore`);

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
      const page = await listSessions(from);
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
      await restoreSession(session.id).then(() => put(session), complain);
    }

    return {
      sessions,
      state,
      hasMore: cursor !== null || state === "failed",
      loadMore: () => load(cursor),
      put,
      rename: (id, title) => changeSession(id, { title }).then(put, complain),
      remove: async (id) => {
        const session = sessions.find((each) => each.id === id);
        drop(id);
        try {
          await deleteSession(id);
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

/** Adds or replaces sessions in the list, latest activity first. */
export function withSessions(list: ChatSession[], sessions: ChatSession[]): ChatSession[] {
  const byId = new Map([...list, ...sessions].map((session) => [session.id, session]));
  return [...byId.values()].sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
}

export interface Period {
  label: TextKey;
  sessions: ChatSession[];
}

/** Groups the list by the reader's calendar days. */
export function periods(list: ChatSession[], now: Date): Period[] {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const found: Period[] = [];
  for (const session of list) {
    const label = periodOf(session, today);
    const last = found.at(-1);
    if (last?.label === label) last.sessions.push(session);
    else found.push({ label, sessions: [session] });
  }
  return found;
}

const DAY_MS = 86_400_000;

function periodOf(session: ChatSession, today: number): TextKey {
  const at = Date.parse(session.updated_at);
  if (at >= today) return "sessions.today";
  if (at >= today - DAY_MS) return "sessions.yesterday";
  if (at >= today - 7 * DAY_MS) return "sessions.week";
  return "sessions.older";
}
