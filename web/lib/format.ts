/** Numbers, costs and times in the reader's language. */

import type { Locale } from "@/lib/locale/texts";

const KIB = 1024;
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB"] as const;
const MINUTE = 60;
const HOUR = 3600;

/** A count. `short` abbreviates numbers from ten thousand on (12K, 1.2만). */
export function formatCount(locale: Locale, value: number, short = false): string {
  const compact = short && value >= 10_000 ? ({ notation: "compact", maximumFractionDigits: 1 } as const) : {};
  return new Intl.NumberFormat(locale, compact).format(value);
}

/** US dollars. Smaller amounts show more digits. */
export function formatMoney(locale: Locale, dollars: number | string): string {
  const amount = Number(dollars);
  const size = Math.abs(amount);
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : 6;
  const style = {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(locale, style).format(amount);
}

/** A share from 0 to 1, as percent. */
export function formatShare(locale: Locale, share: number): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(share);
}

export function formatBytes(locale: Locale, bytes: number): string {
  const step = bytes < KIB ? 0 : Math.min(Math.floor(Math.log(bytes) / Math.log(KIB)), BYTE_UNITS.length - 1);
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: step ? 1 : 0 }).format(bytes / KIB ** step);
  return `${number} ${BYTE_UNITS[step]}`;
}

/** A duration in one unit. */
export function formatSeconds(locale: Locale, seconds: number): string {
  const [value, unit] =
    seconds < MINUTE ? [seconds, "second"] : seconds < HOUR ? [seconds / MINUTE, "minute"] : [seconds / HOUR, "hour"];
  const style = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale, style).format(value as number);
}

/** A moment, to the minute, in the reader's time zone. */
export function formatMoment(locale: Locale, moment: string | Date): string {
  const style = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" } as const;
  return new Intl.DateTimeFormat(locale, style).format(new Date(moment));
}

/** A day of the calendar, such as 2026-11-24. */
export function formatDay(locale: Locale, day: string): string {
  const style = { month: "short", day: "numeric", timeZone: "UTC" } as const;
  return new Intl.DateTimeFormat(locale, style).format(new Date(`${day}T00:00:00Z`));
}
