import { api, query } from "@/lib/api/client";
import type { Note, Notes } from "@/lib/api/types";

const PAGE = 100;

export const listNotes = (cursor: string | null) => api.get<Notes>(`/notes${query({ limit: PAGE, cursor })}`);
export const addNote = (content: string) => api.post<Note>("/notes", { content });
export const changeNote = (id: string, content: string) => api.patch<Note>(`/notes/${id}`, { content });
export const deleteNote = (id: string) => api.delete(`/notes/${id}`);
