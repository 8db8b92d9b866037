"use client";

import { useState } from "react";
import { AliasForm } from "@/features/admin/aliases/alias-form";
import { AliasItem } from "@/features/admin/aliases/alias-item";
import { addAlias, listAliases } from "@/features/admin/aliases/api";
import { AddButton, Empty, Panel } from "@/features/admin/panel";
import { useItems } from "@/features/admin/use-items";
import { useModels } from "@/features/chat/model-picker";
import { useLocale } from "@/features/locale/locale";

/** Names of one's own that stand for models. */
export function AliasesPanel() {
  const { t } = useLocale();
  const models = useModels().models ?? [];
  const { items, error, put, drop } = useItems(listAliases);
  const [adding, setAdding] = useState(false);

  return (
    <Panel hint={t("aliases.hint")} error={error} loading={items === null}>
      {items?.length === 0 && !adding && <Empty>{t("aliases.empty")}</Empty>}
      <ul className="grid grid-cols-[minmax(0,1fr)] gap-2.5 empty:hidden">
        {items?.map((alias) => (
          <AliasItem
            key={alias.id ?? `${alias.source}/${alias.name}`}
            alias={alias}
            models={models}
            onChange={put}
            onDelete={() => drop(alias)}
          />
        ))}
      </ul>
      {adding ? (
        <AliasForm
          models={models}
          onSave={async (body) => {
            put(await addAlias(body));
            setAdding(false);
          }}
          onCancel={() => setAdding(false)}
        />
      ) : (
        <AddButton label={t("aliases.add")} onClick={() => setAdding(true)} data-testid="add-alias" />
      )}
    </Panel>
  );
}
