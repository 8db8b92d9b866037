"use client";

import { PlusIcon } from "lucide-react";
import { type ComponentProps, type ReactNode, useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { ConfirmButton } from "@/components/confirm-button";
import { Button } from "@/components/ui/button";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

interface PanelProps {
  hint: string;
  /** Why there is nothing to show, or null. */
  error: unknown;
  loading: boolean;
  children: ReactNode;
}

/** One part of the administration: what it is for, then what there is. */
export function Panel({ hint, error, loading, children }: PanelProps) {
  const { t } = useLocale();
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4" aria-busy={loading && error === null}>
      <p className="text-muted-foreground text-sm">{hint}</p>
      {error !== null && <Alert>{describeError(t, error)}</Alert>}
      {!loading && children}
    </div>
  );
}

/** Opens the form for another one. */
export function AddButton({ label, ...props }: { label: string } & ComponentProps<typeof Button>) {
  return (
    <Button variant="outline" className="justify-self-start" {...props}>
      <PlusIcon />
      {label}
    </Button>
  );
}

/** Says that there is nothing yet. */
export function Empty({ children }: { children: ReactNode }) {
  return (
    <p className="rounded-lg border border-dashed px-4 py-6 text-center text-muted-foreground text-sm">{children}</p>
  );
}

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

interface Item {
  /** None of what the settings say. */
  id: string | null;
}

interface Items<T> {
  /** Null until the server has said. */
  items: T[] | null;
  error: unknown;
  /** Takes over what the server said of one, which may be new. */
  put: (item: T) => void;
  drop: (item: T) => void;
}

/** All of some kind, asked for once and then kept up with what is done to them here. */
export function useItems<T extends Item>(list: () => Promise<{ items: T[] }>): Items<T> {
  const [items, setItems] = useState<T[] | null>(null);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    list().then((page) => setItems(page.items), setError);
  }, [list]);

  const put = (item: T) => setItems((all) => withItem(all ?? [], item));
  const drop = (item: T) => setItems((all) => all?.filter((each) => each.id !== item.id) ?? null);
  return { items, error, put, drop };
}

function withItem<T extends Item>(items: T[], item: T): T[] {
  const at = items.findIndex((each) => each.id === item.id);
  return at < 0 ? [...items, item] : items.with(at, item);
}
