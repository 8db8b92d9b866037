/** A draft of a request for an answer: a new message, an edited one, or a regenerated answer. */

export type Draft = { model?: string } & (
  | { kind: "message"; content: string }
  /** `replaces` is the id of a message. The draft replaces it and all messages after it. */
  | { kind: "edit"; replaces: string; content: string }
  | { kind: "regenerate"; replaces: string }
);

export function requestOf(chatId: string, draft: Draft): { path: string; body: { content?: string; model?: string } } {
  const model = draft.model ? { model: draft.model } : {};
  switch (draft.kind) {
    case "message":
      return { path: `/sessions/${chatId}/messages`, body: { content: draft.content, ...model } };
    case "edit":
      return { path: `/messages/${draft.replaces}/edit`, body: { content: draft.content, ...model } };
    case "regenerate":
      return { path: `/messages/${draft.replaces}/regenerate`, body: model };
  }
}

export interface KeyedDraft {
  draft: Draft;
  key: string;
}

/** Keeps the idempotency key of the last draft if the same draft is sent again, so that it can't start a second run. */
export function withKey(draft: Draft, last: KeyedDraft | null, newKey: () => string): KeyedDraft {
  const same = last !== null && JSON.stringify(requestOf("", last.draft)) === JSON.stringify(requestOf("", draft));
  return { draft, key: same ? last.key : newKey() };
}
