"use client";

/** The open chat: `/?chat=<id>` in the address, or `/` for a new one. */

import { useSyncExternalStore } from "react";

interface OpenedChat {
  id: string | null;
  /** Changes with the open chat, but not when the first message gives a new chat its id. */
  key: number;
}

let opened: OpenedChat | null = null;
let tell: () => void = () => {};

export function chatPath(id: string | null): string {
  return id ? `/?chat=${encodeURIComponent(id)}` : "/";
}

/** Opens a chat. Null opens a new one. */
export function openChat(id: string | null): void {
  if (id !== null && id === current().id) return;
  if (id !== idInAddress()) window.history.pushState(null, "", chatPath(id));
  show({ id, key: current().key + 1 });
}

/** Sets the id of a new chat, unless another chat was opened meanwhile. */
export function adoptChat(id: string, key: number): void {
  if (current().key !== key) return;
  window.history.pushState(null, "", chatPath(id));
  show({ id, key });
}

/** The router's own hook changes in a transition. Text typed meanwhile would go to the previous chat. */
export function useOpenedChat(): OpenedChat {
  return useSyncExternalStore(subscribe, current);
}

function subscribe(changed: () => void): () => void {
  tell = changed;
  window.addEventListener("popstate", followAddress);
  return () => {
    tell = () => {};
    window.removeEventListener("popstate", followAddress);
  };
}

function followAddress(): void {
  const id = idInAddress();
  if (id !== current().id) show({ id, key: current().key + 1 });
}

function current(): OpenedChat {
  opened ??= { id: idInAddress(), key: 0 };
  return opened;
}

function show(chat: OpenedChat): void {
  opened = chat;
  tell();
}

function idInAddress(): string | null {
  return new URLSearchParams(window.location.search).get("chat");
}
