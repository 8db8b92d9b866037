"use client";

import { useSyncExternalStore } from "react";

const query = () => window.matchMedia("(min-width: 48rem)");

/** True where the screen has room for two columns. */
export function useWide(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const wide = query();
      wide.addEventListener("change", changed);
      return () => wide.removeEventListener("change", changed);
    },
    () => query().matches,
  );
}
