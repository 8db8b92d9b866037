import { useLocale } from "@/features/locale/locale";
import type { Message } from "@/lib/api/types";

/** What became of the older part of a chat that is longer than its model takes. */
interface ContextInfo {
  summarised?: boolean;
  left_out?: number;
}

export function contextOf({ meta_info }: Pick<Message, "meta_info">): ContextInfo {
  return (meta_info.context ?? {}) as ContextInfo;
}

/** Whether nobody was asked for an answer: it was kept, or it is another one's who asked the same just then. */
export function isFromCache({ meta_info }: Pick<Message, "meta_info">): boolean {
  return meta_info.cache === "hit" || meta_info.cache === "coalesced";
}

/** How like the question was whose answer this is, in per cent, where it was another one that asks the same. */
export function likenessOf({ meta_info }: Pick<Message, "meta_info">): number | undefined {
  return typeof meta_info.similarity === "number" ? Math.round(meta_info.similarity * 100) : undefined;
}

/** Tells that the model did not read the whole chat word for word, or that the answer was there before. */
export function ContextNotes({ message }: { message: Message }) {
  const { t } = useLocale();
  const { summarised, left_out } = contextOf(message);
  const likeness = likenessOf(message);
  return (
    <>
      {isFromCache(message) && (
        <span title={t(likeness === undefined ? "chat.cached_hint" : "chat.similar_hint")} data-testid="cached">
          {likeness === undefined ? t("chat.cached") : t("chat.similar", { percent: likeness })}
        </span>
      )}
      {summarised && <span>{t("chat.summarised")}</span>}
      {left_out ? <span>{t("chat.left_out", { count: left_out })}</span> : null}
    </>
  );
}
