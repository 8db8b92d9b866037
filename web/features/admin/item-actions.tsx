"use client";

import { ConfirmButton } from "@/components/confirm-button";
import { Button } from "@/components/ui/button";
import { useLocale } from "@/features/locale/locale";

interface ItemActionsProps {
  /** Names the buttons for tests: `edit-alias`, `delete-alias`. */
  testId: string;
  busy: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

/** What can be done with anything that an administrator added. */
export function ItemActions({ testId, busy, onEdit, onDelete }: ItemActionsProps) {
  const { t } = useLocale();
  return (
    <>
      <Button variant="ghost" size="sm" onClick={onEdit} data-testid={`edit-${testId}`}>
        {t("app.edit")}
      </Button>
      <ConfirmButton
        label={t("app.delete")}
        question={t("app.delete_confirm")}
        disabled={busy}
        onConfirm={onDelete}
        data-testid={`delete-${testId}`}
      />
    </>
  );
}
