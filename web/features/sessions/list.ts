/** The list of chats, newest activity first. */

import type { TextKey } from "@/features/locale/catalogue";
import type { ChatSession } from "@/lib/api/types";

/** Puts sessions into the list; one that is known already is replaced. */
export function withSessions(list: ChatSession[], sessions: ChatSession[]): ChatSession[] {
  const byId = new Map([...list, ...sessions].map((session) => [session.id, session]));
  return [...byId.values()].sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
}

export interface Period {
  label: TextKey;
  sessions: ChatSession[];
}

/** Groups the list by the reader's calendar days. */
export function periods(list: ChatSession[], now: Date): Period[] {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const found: Period[] = [];
  for (const session of list) {
    const label = periodOf(session, today);
    const last = found.at(-1);
    if (last?.label === label) last.sessions.push(session);
    else found.push({ label, sessions: [session] });
  }
  return found;
}

const DAY_MS = 86_400_000;

function periodOf(session: ChatSession, today: number): TextKey {
  const at = Date.parse(session.updated_at);
  if (at >= today) return "sessions.today";
  if (at >= today - DAY_MS) return "sessions.yesterday";
  if (at >= today - 7 * DAY_MS) return "sessions.week";
  return "sessions.older";
}
