import { api, query } from "@/lib/api/client";
import type { CacheCleared, CacheHealth, CacheStats } from "@/lib/api/types";

export const getCacheStats = (hours: number) => api.get<CacheStats>(`/cache/stats${query({ hours })}`);
export const getCacheHealth = () => api.get<CacheHealth>("/cache/health");
export const emptyCache = (layer: string) => api.delete<CacheCleared>(`/cache/invalidate/${layer}`);
