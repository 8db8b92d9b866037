"use client";

import { useEffect, useState } from "react";
import { useLocale } from "@/features/locale/locale";

const TICK_MS = 20_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How long there is still time. */
export function Expiry({ at }: { at: string }) {
  const { t, locale } = useLocale();
  const [now, setNow] = useState(Date.now);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);

  const left = Date.parse(at) - now;
  const format = new Intl.RelativeTimeFormat(locale);
  const when =
    left >= HOUR_MS
      ? format.format(Math.round(left / HOUR_MS), "hour")
      : format.format(Math.max(1, Math.round(left / MINUTE_MS)), "minute");
  return (
    <p className="order-2 col-span-2 text-center text-muted-foreground text-xs sm:ml-auto">
      <time dateTime={at}>{left > 0 ? t("calls.expires", { when }) : t("calls.expired")}</time>
    </p>
  );
}
