"use client";

import { useState } from "react";

interface Attempts {
  busy: boolean;
  /** The error of the last attempt, or null. */
  error: unknown;
  /** Waits for `work` and passes its result to `then`. */
  attempt: <T>(work: Promise<T>, then: (result: T) => void) => Promise<void>;
}

/** State of work that can fail, such as the call of a button. */
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
