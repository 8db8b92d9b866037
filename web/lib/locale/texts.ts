/** The texts of the page, by typed keys, and the texts of errors. */

import { ApiError } from "@/lib/api/problem";
import en from "@/messages/en.json";
import ko from "@/messages/ko.json";

export type TextKey = keyof typeof en;
export type Locale = "ko" | "en";
export type Translate = (key: TextKey, values?: Record<string, string | number>) => string;

const catalogues: Record<Locale, Record<TextKey, string>> = { ko, en };

export const localeNames: Record<Locale, string> = { ko: "한국어", en: "English" };

export function isLocale(value: unknown): value is Locale {
  return value === "ko" || value === "en";
}

export function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(en, key);
}

/** Korean if the browser prefers it to English, else English. */
export function preferredLocale(languages: readonly string[]): Locale {
  const first = languages.find((language) => /^(ko|en)\b/i.test(language));
  return first?.toLowerCase().startsWith("ko") ? "ko" : "en";
}

export function translator(locale: Locale): Translate {
  return (key, values = {}) =>
    catalogues[locale][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of an error code. Unknown codes show `detail`, the server's own sentence. */
export function describeCode(t: Translate, code: string, detail: string): string {
  const key = `error.${code}`;
  if (isTextKey(key)) return t(key);
  if (code.startsWith("provider.")) return detail ? `${t("error.provider")} ${detail}` : t("error.provider");
  return detail || code;
}

export function describeError(t: Translate, error: unknown): string {
  if (error instanceof ApiError) return describeCode(t, error.code, error.message);
  return t("app.broken");
}
