"use client";

/** The preferences of the account: language and model. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { api } from "@/lib/api/client";
import type { Preferences } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { isLocale } from "@/lib/locale/texts";

export const getPreferences = () => api.get<Preferences>("/preferences");
export const changePreferences = (change: Preferences) => api.patch<Preferences>("/preferences", change);

interface PreferencesContext {
  defaultModel: string | null;
  /** Applies at once. A failure to store it isn't reported. */
  change: (change: Preferences) => void;
}

const Context = createContext<PreferencesContext | null>(null);

export function PreferencesProvider({ children }: { children: ReactNode }) {
  const { setLocale } = useLocale();
  const [defaultModel, setDefaultModel] = useState<string | null>(null);

  const apply = useCallback(
    (preferences: Preferences) => {
      if (preferences.default_model !== undefined) setDefaultModel(preferences.default_model);
      if (isLocale(preferences.locale)) setLocale(preferences.locale);
    },
    [setLocale],
  );

  useEffect(() => {
    getPreferences().then(apply, () => {});
  }, [apply]);

  const change = useCallback(
    (preferences: Preferences) => {
      apply(preferences);
      changePreferences(preferences).catch(() => {});
    },
    [apply],
  );

  const value = useMemo(() => ({ defaultModel, change }), [defaultModel, change]);
  return <Context value={value}>{children}</Context>;
}

export function usePreferences(): PreferencesContext {
  const value = useContext(Context);
  if (!value) throw new Error("usePreferences needs a PreferencesProvider");
  return value;
}
