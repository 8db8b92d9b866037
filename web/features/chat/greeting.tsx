"use client";

import { Logo } from "@/components/logo";
import { useLocale } from "@/features/locale/locale";

/** What a new chat shows before its first message. */
export function Greeting({ name, temporary }: { name: string; temporary: boolean }) {
  const { t } = useLocale();
  return (
    <div className="flex flex-1 flex-col items-center justify-center px-6 pb-8 text-center sm:justify-end">
      <Logo className="mb-5 size-11" />
      <h1 className="text-balance font-semibold text-2xl tracking-tight">{t("chat.greeting", { name })}</h1>
      <p className="mt-2 text-balance text-muted-foreground text-sm">
        {t(temporary ? "chat.temporary_hint" : "chat.greeting_hint")}
      </p>
    </div>
  );
}
