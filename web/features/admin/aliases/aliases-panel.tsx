"use client";

import { useState } from "react";
import { Alert } from "@/components/alert";
import { Fold } from "@/components/fold";
import { ItemActions, ItemList } from "@/components/item-list";
import { AliasForm } from "@/features/admin/aliases/alias-form";
import { sharesOf, valuesOf } from "@/features/admin/aliases/alias-values";
import { useModels } from "@/features/models/model-picker";
import { api } from "@/lib/api/client";
import type { Alias, AliasChange, Aliases, Model, NewAlias } from "@/lib/api/types";
import { formatShare } from "@/lib/format";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";
import { useAttempt } from "@/lib/use-attempt";

const listAliases = () => api.get<Aliases>("/admin/aliases");
const addAlias = (alias: NewAlias) => api.post<Alias>("/admin/aliases", alias);
const changeAlias = (id: string, change: AliasChange) => api.patch<Alias>(`/admin/aliases/${id}`, change);
const deleteAlias = (id: string) => api.delete(`/admin/aliases/${id}`);

export function AliasesPanel() {
  const { t } = useLocale();
  const models = useModels().models ?? [];
  return (
    <ItemList
      hint={t("aliases.hint")}
      empty={t("aliases.empty")}
      addLabel={t("aliases.add")}
      addTestId="add-alias"
      list={listAliases}
      renderItem={(alias, put, drop) => <AliasItem alias={alias} models={models} onChange={put} onDelete={drop} />}
      renderForm={(put, close) => (
        <AliasForm
          models={models}
          onSave={async (body) => {
            put(await addAlias(body));
            close();
          }}
          onCancel={close}
        />
      )}
    />
  );
}

interface AliasItemProps {
  alias: Alias;
  models: Model[];
  onChange: (alias: Alias) => void;
  onDelete: () => void;
}

function AliasItem({ alias, models, onChange, onDelete }: AliasItemProps) {
  const { t } = useLocale();
  const [editing, setEditing] = useState(false);
  const { busy, error, attempt } = useAttempt();
  const { id } = alias;

  if (editing && id) {
    return (
      <li>
        <AliasForm
          alias={alias}
          models={models}
          onSave={async (body) => {
            onChange(await changeAlias(id, body));
            setEditing(false);
          }}
          onCancel={() => setEditing(false)}
        />
      </li>
    );
  }
  const targets = alias.targets.map(({ model }) => model).join(", ");
  return (
    <li className="min-w-0 rounded-lg border" data-testid="alias" data-alias={alias.name}>
      <Fold
        title={alias.name}
        status={<span className="block truncate text-muted-foreground text-xs">{targets}</span>}
        testId="unfold-alias"
      >
        <Models alias={alias} />
        {error !== null && <Alert>{describeError(t, error)}</Alert>}
        {id ? (
          <div className="-ml-3 flex flex-wrap items-center gap-2">
            <ItemActions
              testId="alias"
              busy={busy}
              onEdit={() => setEditing(true)}
              onDelete={() => attempt(deleteAlias(id), onDelete)}
            />
          </div>
        ) : (
          <p className="text-muted-foreground text-xs">{t("aliases.fixed")}</p>
        )}
      </Fold>
    </li>
  );
}

function Models({ alias }: { alias: Alias }) {
  const { t, locale } = useLocale();
  const { targets, fallbacks } = valuesOf(alias);
  const shares = sharesOf(targets);
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5">
      <dt className="text-muted-foreground text-xs leading-6">{t("aliases.targets")}</dt>
      <dd>
        <ul>
          {targets.map(({ key, model }) => (
            <li key={key} className="flex items-baseline gap-2">
              <span className="truncate font-mono text-xs leading-6">{model}</span>
              <span className="shrink-0 text-muted-foreground text-xs tabular-nums">
                {formatShare(locale, shares[key] ?? 0)}
              </span>
            </li>
          ))}
        </ul>
      </dd>
      {fallbacks.length > 0 && (
        <>
          <dt className="text-muted-foreground text-xs leading-6">{t("aliases.fallbacks")}</dt>
          <dd>
            <ol>
              {fallbacks.map(({ key, model }) => (
                <li key={key} className="truncate font-mono text-xs leading-6">
                  {model}
                </li>
              ))}
            </ol>
          </dd>
        </>
      )}
    </dl>
  );
}
