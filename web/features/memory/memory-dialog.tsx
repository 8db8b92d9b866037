"use client";

import { useCallback, useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { AddButton, Empty } from "@/components/item-list";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { NoteEditor, NoteItem } from "@/features/memory/note-item";
import { api, query } from "@/lib/api/client";
import type { Note, Notes } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

const PAGE = 100;

const listNotes = (cursor: string | null) => api.get<Notes>(`/notes${query({ limit: PAGE, cursor })}`);
const addNote = (content: string) => api.post<Note>("/notes", { content });
const changeNote = (id: string, content: string) => api.patch<Note>(`/notes/${id}`, { content });
const deleteNote = (id: string) => api.delete(`/notes/${id}`);

export function MemoryDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  const [notes, setNotes] = useState<Note[] | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const load = useCallback((from: string | null) => {
    listNotes(from).then((page) => {
      setNotes((list) => [...(from ? (list ?? []) : []), ...page.items]);
      setCursor(page.next_cursor);
    }, setError);
  }, []);

  useEffect(() => load(null), [load]);

  async function add(content: string) {
    const note = await addNote(content);
    setNotes((list) => [note, ...(list ?? []).filter((each) => each.id !== note.id)]);
    setAdding(false);
  }

  async function change(id: string, content: string) {
    const note = await changeNote(id, content);
    setNotes((list) => list?.map((each) => (each.id === id ? note : each)) ?? null);
  }

  async function remove(id: string) {
    await deleteNote(id);
    setNotes((list) => list?.filter((each) => each.id !== id) ?? null);
  }

  return (
    <Dialog open onOpenChange={onClose}>
      <DialogContent
        closeLabel={t("app.close")}
        className="sm:max-w-xl"
        onOpenAutoFocus={(event) => event.preventDefault()}
      >
        <DialogHeader>
          <DialogTitle>{t("memory.title")}</DialogTitle>
          <DialogDescription>{t("memory.hint")}</DialogDescription>
        </DialogHeader>
        {error !== null && <Alert>{describeError(t, error)}</Alert>}
        {adding ? (
          <NoteEditor text="" onSave={add} onCancel={() => setAdding(false)} />
        ) : (
          <AddButton label={t("memory.add")} onClick={() => setAdding(true)} data-testid="add-note" />
        )}
        {notes?.length === 0 && !adding && <Empty>{t("memory.empty")}</Empty>}
        <ul className="grid divide-y empty:hidden" aria-busy={notes === null && error === null}>
          {notes?.map((note) => (
            <NoteItem
              key={note.id}
              note={note}
              onChange={(content) => change(note.id, content)}
              onDelete={() => remove(note.id)}
            />
          ))}
        </ul>
        {cursor && (
          <Button variant="ghost" size="sm" onClick={() => load(cursor)}>
            {t("app.more")}
          </Button>
        )}
      </DialogContent>
    </Dialog>
  );
}
