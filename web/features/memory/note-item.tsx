"use client";

import { useState } from "react";
import { Alert } from "@/components/alert";
import { ConfirmButton } from "@/components/confirm-button";
import { Button } from "@/components/ui/button";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { NoteEditor } from "@/features/memory/note-editor";
import type { Note } from "@/lib/api/types";

interface NoteItemProps {
  note: Note;
  onChange: (content: string) => Promise<void>;
  onDelete: () => Promise<void>;
}

export function NoteItem({ note, onChange, onDelete }: NoteItemProps) {
  const { t, locale } = useLocale();
  const [editing, setEditing] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const when = new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(note.updated_at));

  async function save(text: string) {
    await onChange(text);
    setEditing(false);
  }

  if (editing) {
    return (
      <li className="py-3">
        <NoteEditor text={note.content} onSave={save} onCancel={() => setEditing(false)} />
      </li>
    );
  }
  return (
    <li className="grid gap-1 py-3" data-testid="note">
      <p className="whitespace-pre-wrap text-sm">{note.content}</p>
      {error !== null && <Alert>{describeError(t, error)}</Alert>}
      <div className="-mr-3 flex items-center justify-end gap-1">
        <span className="mr-auto text-muted-foreground text-xs">{when}</span>
        <Button variant="ghost" size="sm" onClick={() => setEditing(true)} data-testid="edit-note">
          {t("app.edit")}
        </Button>
        <ConfirmButton
          label={t("app.delete")}
          question={t("app.delete_confirm")}
          onConfirm={() => onDelete().catch(setError)}
          data-testid="delete-note"
        />
      </div>
    </li>
  );
}
