"use client";

/** The language of the page: chosen here or in the account, else the browser's. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { isLocale, type Locale, preferredLocale, type Translate, translator } from "@/lib/locale/texts";

const STORED = "basechat.locale";

interface LocaleContext {
  locale: Locale;
  setLocale: (locale: Locale) => void;
  t: Translate;
}

const Context = createContext<LocaleContext | null>(null);

export function LocaleProvider({ children }: { children: ReactNode }) {
  const [locale, setState] = useState<Locale>(initialLocale);

  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);

  const setLocale = useCallback((chosen: Locale) => {
    localStorage.setItem(STORED, chosen);
    setState(chosen);
  }, []);

  const value = useMemo(() => ({ locale, setLocale, t: translator(locale) }), [locale, setLocale]);
  return <Context value={value}>{children}</Context>;
}

export function useLocale(): LocaleContext {
  const value = useContext(Context);
  if (!value) throw new Error("useLocale needs a LocaleProvider");
  return value;
}

export function initialLocale(): Locale {
  const stored = localStorage.getItem(STORED);
  return isLocale(stored) ? stored : preferredLocale(navigator.languages);
}
