"use client";

import { InfoIcon, RefreshCwIcon } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { Panel } from "@/components/item-list";
import { Button } from "@/components/ui/button";
import { LayerCard } from "@/features/admin/cache/layer-card";
import { api, query } from "@/lib/api/client";
import type { CacheHealth, CacheStats } from "@/lib/api/types";
import { formatBytes, formatCount } from "@/lib/format";
import { useLocale } from "@/lib/locale/locale";
import { isTextKey } from "@/lib/locale/texts";

const getCacheStats = (hours: number) => api.get<CacheStats>(`/cache/stats${query({ hours })}`);
const getCacheHealth = () => api.get<CacheHealth>("/cache/health");

const HOURS = 24;

export function CachePanel() {
  const { t } = useLocale();
  const [stats, setStats] = useState<CacheStats | null>(null);
  const [health, setHealth] = useState<CacheHealth | null>(null);
  const [error, setError] = useState<unknown>(null);

  const load = useCallback(async () => {
    setError(null);
    try {
      const [counted, told] = await Promise.all([getCacheStats(HOURS), getCacheHealth()]);
      setStats(counted);
      setHealth(told);
    } catch (failure) {
      setError(failure);
    }
  }, []);

  useEffect(() => void load(), [load]);

  return (
    <Panel hint={t("cache.hint", { hours: HOURS })} error={error} loading={stats === null}>
      {stats && (
        <>
          <Notices stats={stats} health={health} />
          <Server stats={stats} onReload={load} />
          <ul className="grid gap-3">
            {stats.layers.map((layer) => (
              <LayerCard key={layer.layer} layer={layer} estimated={stats.estimated} onEmptied={load} />
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

/** Memory and evictions of the cache server. */
function Server({ stats: { server }, onReload }: { stats: CacheStats; onReload: () => void }) {
  const { t, locale } = useLocale();
  const used = formatBytes(locale, server.used_memory);
  const memory = server.max_memory
    ? t("cache.memory_of", { used, all: formatBytes(locale, server.max_memory) })
    : t("cache.memory", { used });
  return (
    <div className="flex items-center justify-between gap-3">
      <p className="text-muted-foreground text-sm" data-testid="cache-server">
        {server.status === "ok"
          ? `${memory} · ${t("cache.evicted", { count: formatCount(locale, server.evicted_keys) })}`
          : t("cache.down")}
      </p>
      <Button variant="ghost" size="icon-sm" aria-label={t("cache.reload")} onClick={onReload}>
        <RefreshCwIcon />
      </Button>
    </div>
  );
}

interface NoticesProps {
  stats: CacheStats;
  health: CacheHealth | null;
}

/** Advice about the configuration, and a warning if statistics are late. */
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
