"use client";

import { InfoIcon } from "lucide-react";
import { isTextKey } from "@/features/locale/catalogue";
import { useLocale } from "@/features/locale/locale";
import type { CacheHealth, CacheStats } from "@/lib/api/types";

interface NoticesProps {
  stats: CacheStats;
  health: CacheHealth | null;
}

/** What should be set up otherwise, and what is not known now. */
export function Notices({ stats, health }: NoticesProps) {
  const { t } = useLocale();
  const told = (health?.notices ?? []).map(({ code, detail }) => {
    const key = `cache.notice.${code}`;
    return isTextKey(key) ? t(key) : detail;
  });
  const all = stats.up_to_date ? told : [t("cache.behind"), ...told];
  if (all.length === 0) return null;
  return (
    <ul className="grid gap-2 rounded-lg bg-secondary px-3.5 py-2.5 text-sm" data-testid="cache-notices">
      {all.map((text) => (
        <li key={text} className="flex items-start gap-2.5">
          <InfoIcon className="mt-0.5 size-4 shrink-0 text-muted-foreground" aria-hidden="true" />
          {text}
        </li>
      ))}
    </ul>
  );
}
