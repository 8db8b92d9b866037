"use client";

import { useState } from "react";

interface Attempts {
  busy: boolean;
  /** What the last attempt failed of, or null. */
  error: unknown;
  /** Waits for some work and hands on what comes of it. */
  attempt: <T>(work: Promise<T>, then: (result: T) => void) => Promise<void>;
}

/** Work that is done now and then and may fail, such as a call that a button makes. */
export function useAttempt(): Attempts {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  async function attempt<T>(work: Promise<T>, then: (result: T) => void) {
    setBusy(true);
    setError(null);
    try {
      then(await work);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }

  return { busy, error, attempt };
}
