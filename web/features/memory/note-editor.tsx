"use client";

import { type FormEvent, useState } from "react";
import { TextField } from "@/components/field";
import { Button } from "@/components/ui/button";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";

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
