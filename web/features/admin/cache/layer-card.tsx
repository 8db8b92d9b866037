"use client";

import { type ReactNode, useId, useState } from "react";
import { Alert } from "@/components/alert";
import { Columns } from "@/components/charts";
import { ConfirmButton } from "@/components/item-list";
import { api } from "@/lib/api/client";
import type { CacheCleared, CacheHour, CacheLayer } from "@/lib/api/types";
import { formatBytes, formatCount, formatMoment, formatMoney, formatSeconds, formatShare } from "@/lib/format";
import { useLocale } from "@/lib/locale/locale";
import { describeError, isTextKey } from "@/lib/locale/texts";
import { useAttempt } from "@/lib/use-attempt";

const emptyCache = (layer: string) => api.delete<CacheCleared>(`/cache/invalidate/${layer}`);

interface LayerCardProps {
  layer: CacheLayer;
  /** The size is an estimate. */
  estimated: boolean;
  onEmptied: () => void;
}

/** Hits and savings of one cache layer, with a button that clears it. */
export function LayerCard({ layer, estimated, onEmptied }: LayerCardProps) {
  const { t, locale } = useLocale();
  const id = useId();
  const [removed, setRemoved] = useState<number | null>(null);
  const { busy, error, attempt } = useAttempt();
  const titleKey = `cache.layer.${layer.layer}`;
  const title = isTextKey(titleKey) ? t(titleKey) : layer.layer;
  const count = (value: number) => formatCount(locale, value, true);
  const troubled = layer.errors + layer.unreadable > 0;

  return (
    <li className="grid gap-3 rounded-lg border p-4" data-testid="cache-layer" data-layer={layer.layer}>
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h3 id={id} className="font-medium text-sm">
            {title}
          </h3>
          <p className="text-muted-foreground text-xs" data-testid="cache-size">
            {size()}
          </p>
        </div>
        <ConfirmButton
          label={t("cache.empty")}
          question={t("cache.empty_confirm")}
          aria-describedby={id}
          disabled={busy}
          onConfirm={() =>
            attempt(emptyCache(layer.layer), (cleared) => {
              setRemoved(cleared.removed);
              onEmptied();
            })
          }
          data-testid="empty-cache"
        />
      </div>
      {error !== null && <Alert>{describeError(t, error)}</Alert>}
      <p role="status" className="text-sm empty:hidden" data-testid="cache-emptied">
        {removed !== null && t("cache.emptied", { count: formatCount(locale, removed) })}
      </p>
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        <Figure label={t("cache.hit_rate")} testId="hit-rate">
          {layer.hit_rate === null ? "–" : formatShare(locale, layer.hit_rate)}
        </Figure>
        <Figure label={t("cache.hits")} testId="hits">
          {t("cache.of", { count: count(layer.hits), all: count(layer.hits + layer.misses) })}
        </Figure>
        <Figure label={t("cache.saved_time")}>{formatSeconds(locale, layer.saved_seconds)}</Figure>
        <Figure label={t("cache.saved_money")}>{formatMoney(locale, layer.saved_cost)}</Figure>
      </dl>
      <HourColumns hours={layer.by_hour} label={t("cache.by_hour", { layer: title })} />
      <p className="text-muted-foreground text-xs">
        {t("cache.also", {
          coalesced: count(layer.coalesced),
          bypassed: count(layer.bypassed),
          stored: count(layer.stored),
        })}
        {troubled && ` · ${t("cache.trouble", { errors: count(layer.errors), unreadable: count(layer.unreadable) })}`}
      </p>
    </li>
  );

  function size(): string {
    if (layer.keys === null || layer.bytes === null) return t("cache.size_unknown");
    const values = { count: formatCount(locale, layer.keys), size: formatBytes(locale, layer.bytes) };
    return t(estimated ? "cache.size_about" : "cache.size", values);
  }
}

function Figure({ label, testId, children }: { label: string; testId?: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-muted-foreground text-xs">{label}</dt>
      <dd className="truncate font-medium text-sm tabular-nums" data-testid={testId}>
        {children}
      </dd>
    </div>
  );
}

interface HourColumnsProps {
  label: string;
  /** Oldest first. */
  hours: readonly CacheHour[];
}

/** One column per hour. Its height shows lookups, its marked part shows hits. */
function HourColumns({ label, hours }: HourColumnsProps) {
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
