"use client";

import { useState } from "react";
import { Alert } from "@/components/alert";
import { Fold } from "@/components/fold";
import { AliasForm } from "@/features/admin/aliases/alias-form";
import { changeAlias, deleteAlias } from "@/features/admin/aliases/api";
import { sharesOf, valuesOf } from "@/features/admin/aliases/values";
import { ItemActions } from "@/features/admin/item-actions";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import type { Alias, Model } from "@/lib/api/types";
import { formatShare } from "@/lib/format";
import { useAttempt } from "@/lib/use-attempt";

interface AliasItemProps {
  alias: Alias;
  models: Model[];
  onChange: (alias: Alias) => void;
  onDelete: () => void;
}

/** One alias: what it stands for, and unfolded in which shares. */
export function AliasItem({ alias, models, onChange, onDelete }: AliasItemProps) {
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
