/** Failures in the reader's language. */

import { isTextKey, type Translate } from "@/features/locale/catalogue";
import { ApiError } from "@/lib/api/problem";

/** Text for a stable code; `detail`, the server's own sentence, where the code is not known here. */
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
