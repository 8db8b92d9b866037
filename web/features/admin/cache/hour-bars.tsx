"use client";

import { useLocale } from "@/features/locale/locale";
import type { CacheHour } from "@/lib/api/types";
import { formatCount, formatMoment, formatShare } from "@/lib/format";

interface HourBarsProps {
  label: string;
  /** Oldest first. */
  hours: readonly CacheHour[];
}

/** A column per hour: its height is how much was asked, its full part how much of that was known. */
export function HourBars({ label, hours }: HourBarsProps) {
  const { t, locale } = useLocale();
  const most = Math.max(...hours.map(({ hits, misses }) => hits + misses));
  if (!(most > 0)) return null;
  return (
    <ol aria-label={label} className="flex h-12 items-end gap-px" data-testid="hours">
      {hours.map(({ hour, hits, misses, hit_rate }) => {
        const asked = hits + misses;
        const text = t("cache.hour", {
          hour: formatMoment(locale, hour),
          rate: hit_rate === null ? "–" : formatShare(locale, hit_rate),
          count: formatCount(locale, asked),
        });
        return (
          <li key={hour} title={text} className="flex h-full min-w-0 flex-1 flex-col justify-end">
            <span className="sr-only">{text}</span>
            <span
              aria-hidden="true"
              className="flex min-h-px flex-col justify-end overflow-hidden rounded-t-[2px] bg-primary/25"
              style={{ height: `${(asked / most) * 100}%` }}
            >
              <span className="bg-primary" style={{ height: `${(hit_rate ?? 0) * 100}%` }} />
            </span>
          </li>
        );
      })}
    </ol>
  );
}
