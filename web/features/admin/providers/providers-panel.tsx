"use client";

import { useState } from "react";
import { AddButton, Panel } from "@/features/admin/panel";
import { addProvider, listProviders } from "@/features/admin/providers/api";
import { ProviderForm } from "@/features/admin/providers/provider-form";
import { ProviderItem } from "@/features/admin/providers/provider-item";
import { useItems } from "@/features/admin/use-items";
import { useLocale } from "@/features/locale/locale";

/** Who provides models. */
export function ProvidersPanel() {
  const { t } = useLocale();
  const { items, error, put, drop } = useItems(listProviders);
  const [adding, setAdding] = useState(false);

  return (
    <Panel hint={t("providers.hint")} error={error} loading={items === null}>
      <ul className="grid grid-cols-[minmax(0,1fr)] gap-2.5 empty:hidden">
        {items?.map((provider) => (
          <ProviderItem
            key={provider.id ?? `${provider.source}/${provider.name}`}
            provider={provider}
            onChange={put}
            onDelete={() => drop(provider)}
          />
        ))}
      </ul>
      {adding ? (
        <ProviderForm
          onSave={async (body) => {
            put(await addProvider(body));
            setAdding(false);
          }}
          onCancel={() => setAdding(false)}
        />
      ) : (
        <AddButton label={t("providers.add")} onClick={() => setAdding(true)} data-testid="add-provider" />
      )}
    </Panel>
  );
}
