import { describe, expect, it } from "vitest";
import { type Offer, requestOf, withKey } from "@/features/chat/draft-request";

const message: Offer = { kind: "message", content: "Hello?" };
const edit: Offer = { kind: "edit", replaces: "question", content: "Hello?", model: "echo" };
const regenerate: Offer = { kind: "regenerate", replaces: "answer" };

describe("an offer", () => {
  it("is made where it belongs", () => {
    expect(requestOf("chat", message)).toEqual({ path: "/sessions/chat/messages", body: { content: "Hello?" } });
    expect(requestOf("chat", edit)).toEqual({
      path: "/messages/question/edit",
      body: { content: "Hello?", model: "echo" },
    });
    expect(requestOf("chat", regenerate)).toEqual({ path: "/messages/answer/regenerate", body: {} });
  });

  it("keeps its key when it is made again, and no other has that key", () => {
    const first = withKey(edit, null, () => "first");
    expect(withKey({ ...edit }, first, () => "second").key).toBe("first");
    for (const other of [message, regenerate, { ...edit, replaces: "other" }, { ...edit, model: "other" }]) {
      expect(withKey(other, first, () => "second").key).toBe("second");
    }
  });
});
