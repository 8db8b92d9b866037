"use client";

import { PlusIcon } from "lucide-react";
import { type ComponentProps, Fragment, type ReactNode, useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

interface Item {
  /** Null for an item from the settings, which can't be changed here. */
  id: string | null;
  source?: string;
  name?: string;
}

interface ItemListProps<T extends Item> {
  hint?: string;
  /** Shown while there are no items. */
  empty?: string;
  addLabel: string;
  /** Test id of the button that adds an item. */
  addTestId: string;
  list: () => Promise<{ items: T[] }>;
  renderItem: (item: T, put: (item: T) => void, drop: () => void) => ReactNode;
  /** The form for a new item. */
  renderForm: (put: (item: T) => void, close: () => void) => ReactNode;
}

/** A list that is loaded once and then follows the changes made in it, with a form for new items. */
export function ItemList<T extends Item>(props: ItemListProps<T>) {
  const { hint, empty, addLabel, addTestId, list, renderItem, renderForm } = props;
  const [items, setItems] = useState<T[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [adding, setAdding] = useState(false);

  useEffect(() => {
    list().then((page) => setItems(page.items), setError);
  }, [list]);

  const put = (item: T) => setItems((all) => withItem(all ?? [], item));
  const drop = (item: T) => setItems((all) => all?.filter((each) => each.id !== item.id) ?? null);

  return (
    <Panel hint={hint} error={error} loading={items === null}>
      {items?.length === 0 && !adding && empty && <Empty>{empty}</Empty>}
      <ul className="grid grid-cols-[minmax(0,1fr)] gap-2.5 empty:hidden">
        {items?.map((item) => (
          <Fragment key={item.id ?? `${item.source}/${item.name}`}>{renderItem(item, put, () => drop(item))}</Fragment>
        ))}
      </ul>
      {adding ? (
        renderForm(put, () => setAdding(false))
      ) : (
        <AddButton label={addLabel} onClick={() => setAdding(true)} data-testid={addTestId} />
      )}
    </Panel>
  );
}

function withItem<T extends Item>(items: T[], item: T): T[] {
  const at = items.findIndex((each) => each.id === item.id);
  return at < 0 ? [...items, item] : items.with(at, item);
}

interface PanelProps {
  hint?: string;
  error: unknown;
  loading: boolean;
  children: ReactNode;
}

/** A hint, then an error or the content once it is loaded. */
export function Panel({ hint, error, loading, children }: PanelProps) {
  const { t } = useLocale();
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4" aria-busy={loading && error === null}>
      {hint && <p className="text-muted-foreground text-sm">{hint}</p>}
      {error !== null && <Alert>{describeError(t, error)}</Alert>}
      {!loading && children}
    </div>
  );
}

export function AddButton({ label, ...props }: { label: string } & ComponentProps<typeof Button>) {
  return (
    <Button variant="outline" className="justify-self-start" {...props}>
      <PlusIcon />
      {label}
    </Button>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return (
    <p className="rounded-lg border border-dashed px-4 py-6 text-center text-muted-foreground text-sm">{children}</p>
  );
}

interface ItemActionsProps {
  /** Suffix of the test ids, such as `edit-alias` and `delete-alias`. */
  testId: string;
  busy?: boolean;
  onEdit?: () => void;
  onDelete: () => void;
}

/** "Edit", where an item can be edited, and "Delete", which asks once. */
export function ItemActions({ testId, busy, onEdit, onDelete }: ItemActionsProps) {
  const { t } = useLocale();
  return (
    <>
      {onEdit && (
        <Button variant="ghost" size="sm" onClick={onEdit} data-testid={`edit-${testId}`}>
          {t("app.edit")}
        </Button>
      )}
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

interface ConfirmButtonProps extends ComponentProps<typeof Button> {
  label: string;
  /** The label after the first press. A second press acts. */
  question: string;
  onConfirm: () => void;
}

/** A button for an action that can't be undone. It asks once, and resets when it loses the focus. */
export function ConfirmButton({ label, question, onConfirm, ...props }: ConfirmButtonProps) {
  const [asked, setAsked] = useState(false);

  return (
    <Button
      variant={asked ? "destructive" : "ghost"}
      size="sm"
      aria-live="polite"
      onBlur={() => setAsked(false)}
      onClick={() => {
        setAsked(!asked);
        if (asked) onConfirm();
      }}
      {...props}
    >
      {asked ? question : label}
    </Button>
  );
}
