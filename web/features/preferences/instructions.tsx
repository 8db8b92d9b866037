"use client";

import { type FormEvent, useEffect, useState } from "react";
import { TextField } from "@/components/form";
import { useNotify } from "@/components/notices";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { changePreferences, getPreferences } from "@/features/preferences/preferences";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

/** The account's instructions for all chats. */
export function OwnInstructions({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  const notify = useNotify();
  const [known, setKnown] = useState<{ instructions: string | null } | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: loaded once, when the dialog opens
  useEffect(() => {
    getPreferences().then(
      ({ instructions }) => setKnown({ instructions: instructions ?? null }),
      (error) => {
        notify({ text: describeError(t, error) });
        onClose();
      },
    );
  }, []);

  if (!known) return null;
  return (
    <InstructionsDialog
      title={t("instructions.own")}
      hint={t("instructions.own_hint")}
      instructions={known.instructions}
      onSave={async (instructions) => void (await changePreferences({ instructions }))}
      onClose={onClose}
    />
  );
}

const LIMIT = 20_000;

interface InstructionsDialogProps {
  title: string;
  hint: string;
  instructions: string | null;
  onSave: (instructions: string | null) => Promise<void>;
  onClose: () => void;
}

/** Instructions for all chats or for one chat. */
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
