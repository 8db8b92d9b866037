"use client";

import { RefreshCwIcon } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Fold } from "@/components/fold";
import { ItemActions, ItemList } from "@/components/item-list";
import { Button } from "@/components/ui/button";
import { Switch } from "@/components/ui/switch";
import { ProviderForm } from "@/features/admin/providers/provider-form";
import { ProviderModels, ProviderStatus } from "@/features/admin/providers/provider-status";
import { api } from "@/lib/api/client";
import type { NewProvider, Provider, ProviderChange, ProviderCheck, Providers } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";
import { useAttempt } from "@/lib/use-attempt";

const listProviders = () => api.get<Providers>("/admin/providers");
const addProvider = (provider: NewProvider) => api.post<Provider>("/admin/providers", provider);
const changeProvider = (id: string, change: ProviderChange) => api.patch<Provider>(`/admin/providers/${id}`, change);
const deleteProvider = (id: string) => api.delete(`/admin/providers/${id}`);
const checkProvider = (id: string) => api.post<ProviderCheck>(`/admin/providers/${id}/check`);

export function ProvidersPanel() {
  const { t } = useLocale();
  return (
    <ItemList
      hint={t("providers.hint")}
      addLabel={t("providers.add")}
      addTestId="add-provider"
      list={listProviders}
      renderItem={(provider, put, drop) => <ProviderItem provider={provider} onChange={put} onDelete={drop} />}
      renderForm={(put, close) => (
        <ProviderForm
          onSave={async (body) => {
            put(await addProvider(body));
            close();
          }}
          onCancel={close}
        />
      )}
    />
  );
}

interface ProviderItemProps {
  provider: Provider;
  onChange: (provider: Provider) => void;
  onDelete: () => void;
}

function ProviderItem({ provider, onChange, onDelete }: ProviderItemProps) {
  const { t } = useLocale();
  const [editing, setEditing] = useState(false);
  const [checked, setChecked] = useState<ProviderCheck | null>(null);
  const { busy, error, attempt } = useAttempt();
  const { id, name, enabled, updated_at } = provider;

  const look = useCallback(async () => {
    if (id) setChecked(await checkProvider(id));
  }, [id]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a change can repair or break it
  useEffect(() => {
    setChecked(null);
    if (enabled) look().catch(() => {}); // then it is not known how it does, until somebody asks
  }, [look, enabled, updated_at]);

  if (editing && id) {
    return (
      <li>
        <ProviderForm
          provider={provider}
          onSave={async (body) => {
            onChange(await changeProvider(id, body));
            setEditing(false);
          }}
          onCancel={() => setEditing(false)}
        />
      </li>
    );
  }
  const trouble = provider.error ?? checked?.error;
  const enable = id && (
    <Switch
      checked={enabled}
      disabled={busy}
      onCheckedChange={(on) => attempt(changeProvider(id, { enabled: on }), onChange)}
      aria-label={t("providers.enable", { name })}
      data-testid="enable-provider"
    />
  );
  return (
    <li className="min-w-0 rounded-lg border" data-testid="provider" data-provider={name}>
      <Fold
        title={name}
        status={<ProviderStatus provider={provider} checked={checked} />}
        aside={enable ?? undefined}
        testId="unfold-provider"
      >
        <p className="font-mono text-muted-foreground text-xs">{provider.base_url}</p>
        {trouble && <Alert>{trouble}</Alert>}
        {error !== null && <Alert>{describeError(t, error)}</Alert>}
        <ProviderModels provider={provider} checked={checked} />
        {id ? (
          <div className="flex flex-wrap items-center gap-2">
            <Button
              variant="outline"
              size="sm"
              disabled={busy}
              onClick={() => attempt(look(), () => {})}
              data-testid="check-provider"
            >
              <RefreshCwIcon className={busy ? "animate-spin" : undefined} />
              {t("providers.check")}
            </Button>
            <ItemActions
              testId="provider"
              busy={busy}
              onEdit={() => setEditing(true)}
              onDelete={() => attempt(deleteProvider(id), onDelete)}
            />
          </div>
        ) : (
          <p className="text-muted-foreground text-xs">{t("providers.fixed")}</p>
        )}
      </Fold>
    </li>
  );
}
