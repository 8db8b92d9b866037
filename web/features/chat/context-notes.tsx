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

/** Tells that the model did not read the whole chat word for word. */
export function ContextNotes({ message }: { message: Message }) {
  const { t } = useLocale();
  const { summarised, left_out } = contextOf(message);
  return (
    <>
      {summarised && <span>{t("chat.summarised")}</span>}
      {left_out ? <span>{t("chat.left_out", { count: left_out })}</span> : null}
    </>
  );
}
