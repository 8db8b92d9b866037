"use client";

import { type FormEvent, useState } from "react";
import { TextField } from "@/components/field";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";

const LIMIT = 20_000;

interface InstructionsDialogProps {
  title: string;
  hint: string;
  instructions: string | null;
  onSave: (instructions: string | null) => Promise<void>;
  onClose: () => void;
}

/** What the assistant is to keep to, for a person or for one chat. */
export function InstructionsDialog({ title, hint, instructions, onSave, onClose }: InstructionsDialogProps) {
  const { t } = useLocale();
  const [text, setText] = useState(instructions ?? "");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onSave(text.trim() || null);
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }

  return (
    <Dialog open onOpenChange={onClose}>
      <DialogContent closeLabel={t("app.close")} className="sm:max-w-xl">
        <DialogHeader>
          <DialogTitle>{title}</DialogTitle>
          <DialogDescription>{hint}</DialogDescription>
        </DialogHeader>
        <form onSubmit={submit} className="grid gap-4">
          <TextField
            label={t("instructions.label")}
            placeholder={t("instructions.placeholder")}
            rows={5}
            maxLength={LIMIT}
            value={text}
            error={error === null ? undefined : describeError(t, error)}
            onChange={(event) => setText(event.target.value)}
            className="max-h-[50dvh] min-h-32"
            data-testid="instructions-text"
          />
          <div className="flex justify-end gap-2">
            <Button variant="ghost" onClick={onClose}>
              {t("app.cancel")}
            </Button>
            <Button type="submit" disabled={busy} data-testid="save-instructions">
              {t("app.save")}
            </Button>
          </div>
        </form>
      </DialogContent>
    </Dialog>
  );
}
