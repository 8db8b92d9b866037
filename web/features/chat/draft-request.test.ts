import { describe, expect, it } from "vitest";
import { type Draft, requestOf, withKey } from "@/features/chat/draft-request";

const message: Draft = { kind: "message", content: "Hello?" };
const edit: Draft = { kind: "edit", replaces: "question", content: "Hello?", model: "echo" };
const regenerate: Draft = { kind: "regenerate", replaces: "answer" };

describe("a draft", () => {
  it("has the path and body of its kind", () => {
    expect(requestOf("chat", message)).toEqual({ path: "/sessions/chat/messages", body: { content: "Hello?" } });
    expect(requestOf("chat", edit)).toEqual({
      path: "/messages/question/edit",
      body: { content: "Hello?", model: "echo" },
    });
    expect(requestOf("chat", regenerate)).toEqual({ path: "/messages/answer/regenerate", body: {} });
  });

  it("keeps its key when it is sent again, and other drafts get another key", () => {
    const first = withKey(edit, null, () => "first");
    expect(withKey({ ...edit }, first, () => "second").key).toBe("first");
    for (const other of [message, regenerate, { ...edit, replaces: "other" }, { ...edit, model: "other" }]) {
      expect(withKey(other, first, () => "second").key).toBe("second");
    }
  });
});
