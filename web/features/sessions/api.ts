import { api, query } from "@/lib/api/client";
import type { ChatSession, ChatSessionChange, ChatSessions, NewChatSession } from "@/lib/api/types";

const PAGE = 30;

export const listSessions = (cursor: string | null) =>
  api.get<ChatSessions>(`/sessions${query({ limit: PAGE, cursor })}`);
export const getSession = (id: string) => api.get<ChatSession>(`/sessions/${id}`);
export const createSession = (session: NewChatSession) => api.post<ChatSession>("/sessions", session);
export const changeSession = (id: string, change: ChatSessionChange) =>
  api.patch<ChatSession>(`/sessions/${id}`, change);
export const deleteSession = (id: string) => api.delete(`/sessions/${id}`);
export const restoreSession = (id: string) => api.post<ChatSession>(`/sessions/${id}/restore`);
