/** A message's place among those that stand in the same place of a chat, each with a branch of its own. */

import type { Message } from "@/lib/api/types";

export interface Place {
  /** Counted from 1. */
  number: number;
  count: number;
  previous: string | undefined;
  next: string | undefined;
}

/** Null where a message has no siblings. */
export function placeOf({ id, siblings }: Pick<Message, "id" | "siblings">): Place | null {
  const at = siblings.indexOf(id);
  if (at < 0 || siblings.length < 2) return null;
  return { number: at + 1, count: siblings.length, previous: siblings[at - 1], next: siblings[at + 1] };
}
