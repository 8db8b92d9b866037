"use client";

import { useEffect, useState } from "react";

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
