"use client";

import { useEffect, useState } from "react";
import { changePreferences, getPreferences } from "@/features/account/api";
import { InstructionsDialog } from "@/features/instructions/instructions-dialog";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { useNotify } from "@/features/notices/notices";

/** The instructions of a person, which hold in every chat. */
export function OwnInstructions({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  const notify = useNotify();
  const [known, setKnown] = useState<{ instructions: string | null } | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked for once, when the dialog is opened
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
