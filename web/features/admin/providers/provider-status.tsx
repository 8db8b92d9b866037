"use client";

import { kindLabel } from "@/features/admin/providers/provider-values";
import type { Provider, ProviderCheck } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";

interface ProviderStatusProps {
  provider: Provider;
  /** The result of the last check. Null before the first check. */
  checked: ProviderCheck | null;
}

const sources = {
  environment: "providers.source_environment",
  file: "providers.source_file",
  database: "providers.source_database",
} as const;

/** State, kind and source of a provider. */
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

interface ProviderModelsProps {
  provider: Provider;
  checked: ProviderCheck | null;
}

/** The models of a provider: those of the last check, else the configured ones. */
export function ProviderModels({ provider, checked }: ProviderModelsProps) {
  const { t } = useLocale();
  const chat = checked?.ok ? checked.models : provider.models;
  const embedding = checked?.ok ? checked.embedding_models : provider.embedding_models;
  if (!chat && !embedding?.length) {
    return checked ? null : <p className="text-muted-foreground text-xs">{t("providers.models_asked")}</p>;
  }
  return (
    <>
      <Names label={t("providers.models")} names={chat ?? []} />
      <Names label={t("providers.embedding_models")} names={embedding ?? []} />
    </>
  );
}

function Names({ label, names }: { label: string; names: readonly string[] }) {
  const { t } = useLocale();
  if (names.length === 0) return null;
  return (
    <div className="grid gap-1.5">
      <h4 className="text-muted-foreground text-xs">{t("providers.counted", { label, count: names.length })}</h4>
      <ul className="flex max-h-40 flex-wrap gap-1.5 overflow-y-auto" aria-label={label}>
        {names.map((name) => (
          <li key={name} className="rounded-md bg-secondary px-2 py-0.5 font-mono text-xs" data-testid="provider-model">
            {name}
          </li>
        ))}
      </ul>
    </div>
  );
}
