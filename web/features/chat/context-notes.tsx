import { useLocale } from "@/features/locale/locale";
import type { Message } from "@/lib/api/types";

/** How the context of an answer differs from the chat, because the chat is longer than the model's context window. */
interface ContextInfo {
  summarised?: boolean;
  left_out?: number;
}

export function contextOf({ meta_info }: Pick<Message, "meta_info">): ContextInfo {
  return (meta_info.context ?? {}) as ContextInfo;
}

/** The cache had the answer, or an identical request at the same time shared its call. */
export function isFromCache({ meta_info }: Pick<Message, "meta_info">): boolean {
  return meta_info.cache === "hit" || meta_info.cache === "coalesced";
}

export function ContextNotes({ message }: { message: Message }) {
  const { t } = useLocale();
  const { summarised, left_out } = contextOf(message);
  return (
    <>
      {isFromCache(message) && (
        <span title={t("chat.cached_hint")} data-testid="cached">
          {t("chat.cached")}
        </span>
      )}
      {summarised && <span>{t("chat.summarized")}</span>}
      {left_out ? <span>{t("chat.left_out", { count: left_out })}</span> : null}
    </>
  );
}
