"use client";

import { type FormEvent, useState } from "react";
import { Alert } from "@/components/alert";
import { TextField } from "@/components/form";
import { ItemActions } from "@/components/item-list";
import { Button } from "@/components/ui/button";
import type { Note } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

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
        <ItemActions testId="note" onEdit={() => setEditing(true)} onDelete={() => onDelete().catch(setError)} />
      </div>
    </li>
  );
}

const LIMIT = 2_000;

interface NoteEditorProps {
  text: string;
  onSave: (text: string) => Promise<void>;
  onCancel: () => void;
}

export function NoteEditor({ text, onSave, onCancel }: NoteEditorProps) {
  const { t } = useLocale();
  const [edited, setEdited] = useState(text);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onSave(edited.trim());
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }

  return (
    <form onSubmit={submit} className="grid gap-3">
      <TextField
        label={t("memory.note")}
        autoFocus
        rows={2}
        maxLength={LIMIT}
        value={edited}
        error={error === null ? undefined : describeError(t, error)}
        onChange={(event) => setEdited(event.target.value)}
        className="max-h-60"
        data-testid="note-text"
      />
      <div className="flex justify-end gap-2">
        <Button variant="ghost" size="sm" onClick={onCancel}>
          {t("app.cancel")}
        </Button>
        <Button type="submit" size="sm" disabled={busy || edited.trim() === ""} data-testid="save-note">
          {t("app.save")}
        </Button>
      </div>
    </form>
  );
}
