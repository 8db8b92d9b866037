import { describe, expect, it } from "vitest";
import { periods, withSessions } from "@/features/sessions/sessions";
import type { ChatSession } from "@/lib/api/types";

const session = (id: string, updated: Date, title = ""): ChatSession => ({
  id,
  title,
  model_type: null,
  model_name: null,
  is_active: true,
  pinned: false,
  temporary: false,
  instructions: null,
  tools: null,
  active_leaf_id: null,
  created_at: updated.toISOString(),
  updated_at: updated.toISOString(),
});

describe("withSessions", () => {
  it("replaces what is known and puts the newest activity first", () => {
    const list = withSessions([], [session("a", new Date(1)), session("b", new Date(2))]);
    const moved = withSessions(list, [session("a", new Date(3), "renamed")]);
    expect(moved.map(({ id, title }) => [id, title])).toEqual([
      ["a", "renamed"],
      ["b", ""],
    ]);
  });
});

describe("periods", () => {
  it("follow the reader's calendar days", () => {
    const now = new Date(2026, 4, 20, 9);
    const list = [
      session("now", new Date(2026, 4, 20, 0)),
      session("last night", new Date(2026, 4, 19, 23, 59)),
      session("this week", new Date(2026, 4, 13, 0)),
      session("before", new Date(2026, 4, 12, 23, 59)),
    ];
    expect(periods(list, now).map(({ label }) => label)).toEqual([
      "sessions.today",
      "sessions.yesterday",
      "sessions.week",
      "sessions.older",
    ]);
  });
});
