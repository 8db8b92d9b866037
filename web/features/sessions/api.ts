import { api, query } from "@/lib/api/client";
import type { ChatSession, Page } from "@/lib/api/types";

const PAGE = 30;

export const listSessions = (cursor: string | null) =>
  api.get<Page<ChatSession>>(`/sessions${query({ limit: PAGE, cursor })}`);
export const getSession = (id: string) => api.get<ChatSession>(`/sessions/${id}`);
export const createSession = (model: string | null) =>
  api.post<ChatSession>("/sessions", model ? { model_name: model } : {});
export const renameSession = (id: string, title: string) => api.patch<ChatSession>(`/sessions/${id}`, { title });
export const deleteSession = (id: string) => api.delete(`/sessions/${id}`);
export const restoreSession = (id: string) => api.post<unknown>(`/sessions/${id}/restore`);
