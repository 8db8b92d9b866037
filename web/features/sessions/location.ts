"use client";

/** Which chat is open: `/?chat=<id>` in the address, or none for a new one. */

import { useSyncExternalStore } from "react";

interface OpenedChat {
  id: string | null;
  /** Changes with the chat that is shown, but not when a new chat gets its id with its first message. */
  key: number;
}

let opened: OpenedChat | null = null;
let tell: () => void = () => {};

export function chatPath(id: string | null): string {
  return id ? `/?chat=${encodeURIComponent(id)}` : "/";
}

/** Opens a chat, or with null a new one. */
export function openChat(id: string | null): void {
  if (id !== null && id === current().id) return;
  if (id !== idInAddress()) window.history.pushState(null, "", chatPath(id));
  show({ id, key: current().key + 1 });
}

/** Gives a new chat the id that it got, unless its author has gone elsewhere meanwhile. */
export function adoptChat(id: string, key: number): void {
  if (current().key !== key) return;
  window.history.pushState(null, "", chatPath(id));
  show({ id, key });
}

/** The router's own hook follows in a transition: what is typed meanwhile would go to the chat that was left. */
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
