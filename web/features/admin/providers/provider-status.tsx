"use client";

import { kindLabel } from "@/features/admin/providers/kinds";
import { useLocale } from "@/features/locale/locale";
import type { Provider, ProviderCheck } from "@/lib/api/types";
import { cn } from "@/lib/cn";

interface ProviderStatusProps {
  provider: Provider;
  /** What it last answered; null where it was not asked. */
  checked: ProviderCheck | null;
}

const sources = {
  environment: "providers.source_environment",
  file: "providers.source_file",
  database: "providers.source_database",
} as const;

/** Whose API it is, who named it, and whether it works. */
export function ProviderStatus({ provider, checked }: ProviderStatusProps) {
  const { t } = useLocale();
  const broken = provider.enabled && Boolean(provider.error || checked?.ok === false);
  const kind = provider.kind === "custom" ? t("providers.kind_custom") : kindLabel(provider.kind);
  const parts = [state(), kind, t(sources[provider.source])].filter(Boolean);
  return (
    <span
      className={cn("block truncate text-xs", broken ? "text-destructive" : "text-muted-foreground")}
      data-testid="provider-status"
      data-state={!provider.enabled ? "off" : broken ? "broken" : checked ? "ok" : "unknown"}
    >
      {parts.join(" · ")}
    </span>
  );

  function state(): string | null {
    if (!provider.enabled) return t("providers.off");
    if (broken) return t("providers.broken");
    return checked && t("providers.works");
  }
}
