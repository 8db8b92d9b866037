"use client";

import { Columns } from "@/components/columns";
import { useLocale } from "@/features/locale/locale";
import type { CacheHour } from "@/lib/api/types";
import { formatCount, formatMoment, formatShare } from "@/lib/format";

interface HourColumnsProps {
  label: string;
  /** Oldest first. */
  hours: readonly CacheHour[];
}

/** A column per hour: its height is how much was asked, its marked part how much of that was kept. */
export function HourColumns({ label, hours }: HourColumnsProps) {
  const { t, locale } = useLocale();
  const most = Math.max(...hours.map(({ hits, misses }) => hits + misses));
  if (!(most > 0)) return null;
  const columns = hours.map(({ hour, hits, misses, hit_rate }) => ({
    key: hour,
    text: t("cache.hour", {
      hour: formatMoment(locale, hour),
      rate: hit_rate === null ? "–" : formatShare(locale, hit_rate),
      count: formatCount(locale, hits + misses),
    }),
    height: (hits + misses) / most,
    marked: hit_rate ?? 0,
  }));
  return <Columns label={label} columns={columns} />;
}
