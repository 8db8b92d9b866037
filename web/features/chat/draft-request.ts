/** What a person asks the server to answer: a message, another one in its place, or the same one once more. */

export type Offer = { model?: string } & (
  | { kind: "message"; content: string }
  /** `replaces` names the message in whose place, and in that of all behind it, comes what is offered. */
  | { kind: "edit"; replaces: string; content: string }
  | { kind: "regenerate"; replaces: string }
);

/** The call that makes an offer. */
export function requestOf(chatId: string, offer: Offer): { path: string; body: { content?: string; model?: string } } {
  const model = offer.model ? { model: offer.model } : {};
  switch (offer.kind) {
    case "message":
      return { path: `/sessions/${chatId}/messages`, body: { content: offer.content, ...model } };
    case "edit":
      return { path: `/messages/${offer.replaces}/edit`, body: { content: offer.content, ...model } };
    case "regenerate":
      return { path: `/messages/${offer.replaces}/regenerate`, body: model };
  }
}

export interface KeyedOffer {
  offer: Offer;
  key: string;
}

/** The key of an offer whose fate is unknown stays its key, so that making it again can't start a second run. */
export function withKey(offer: Offer, last: KeyedOffer | null, newKey: () => string): KeyedOffer {
  const same = last !== null && JSON.stringify(requestOf("", last.offer)) === JSON.stringify(requestOf("", offer));
  return { offer, key: same ? last.key : newKey() };
}
