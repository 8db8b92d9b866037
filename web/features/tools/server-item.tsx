"use client";

import { ChevronRightIcon, RefreshCwIcon } from "lucide-react";
import { useId, useState } from "react";
import { Alert } from "@/components/alert";
import { ConfirmButton } from "@/components/confirm-button";
import { Button } from "@/components/ui/button";
import { Switch } from "@/components/ui/switch";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { changeServer, checkServer, deleteServer } from "@/features/tools/api";
import { ServerForm } from "@/features/tools/server-form";
import { ServerTools } from "@/features/tools/server-tools";
import type { McpServer } from "@/lib/api/types";
import { cn } from "@/lib/cn";

interface ServerItemProps {
  server: McpServer;
  onChange: (server: McpServer) => void;
  onDelete: () => void;
}

/** One server: whether it works, and unfolded what it offers and what can be done with it. */
export function ServerItem({ server, onChange, onDelete }: ServerItemProps) {
  const { t } = useLocale();
  const id = useId();
  const [unfolded, setUnfolded] = useState(false);
  const [editing, setEditing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { name, is_enabled: enabled } = server;

  async function attempt<T>(work: Promise<T>, then: (result: T) => void) {
    setBusy(true);
    setError(null);
    try {
      then(await work);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }

  if (editing) {
    return (
      <li>
        <ServerForm
          server={server}
          onSave={async (place) => {
            onChange(await changeServer(server.id, place));
            setEditing(false);
          }}
          onCancel={() => setEditing(false)}
        />
      </li>
    );
  }
  return (
    <li className="min-w-0 rounded-lg border" data-testid="server" data-server={name}>
      <div className="flex items-center gap-1 pr-3.5">
        <button
          type="button"
          aria-expanded={unfolded}
          aria-controls={id}
          onClick={() => setUnfolded(!unfolded)}
          className="flex min-h-14 min-w-0 flex-1 items-center gap-2.5 rounded-lg px-3 py-2 text-left outline-none focus-visible:ring-[3px] focus-visible:ring-ring/50"
          data-testid="unfold-server"
        >
          <ChevronRightIcon
            className={cn("size-4 shrink-0 text-muted-foreground transition-transform", unfolded && "rotate-90")}
            aria-hidden="true"
          />
          <span className="min-w-0">
            <span className="block truncate font-medium text-sm">{name}</span>
            <Status server={server} />
          </span>
        </button>
        <Switch
          checked={enabled}
          disabled={busy}
          onCheckedChange={(on) => attempt(changeServer(server.id, { is_enabled: on }), onChange)}
          aria-label={t("servers.enable", { name })}
          data-testid="enable-server"
        />
      </div>
      <div id={id} hidden={!unfolded} className="grid gap-3 border-t px-4 py-3.5 text-sm">
        <p className="font-mono text-muted-foreground text-xs">{server.url ?? server.command}</p>
        {server.error && <Alert>{server.error}</Alert>}
        {error !== null && <Alert>{describeError(t, error)}</Alert>}
        {(server.tools.length > 0 || !server.error) && <ServerTools server={name} tools={server.tools} />}
        <div className="flex flex-wrap items-center gap-2">
          <Button
            variant="outline"
            size="sm"
            disabled={busy}
            onClick={() => attempt(checkServer(server.id), onChange)}
            data-testid="check-server"
          >
            <RefreshCwIcon className={busy ? "animate-spin" : undefined} />
            {t("servers.check")}
          </Button>
          {server.url !== null && (
            <Button variant="ghost" size="sm" onClick={() => setEditing(true)} data-testid="edit-server">
              {t("servers.edit")}
            </Button>
          )}
          <ConfirmButton
            label={t("servers.delete")}
            question={t("servers.delete_confirm")}
            disabled={busy}
            onConfirm={() => attempt(deleteServer(server.id), onDelete)}
            data-testid="delete-server"
          />
        </div>
      </div>
    </li>
  );
}

function Status({ server: { is_enabled, error, tools } }: { server: McpServer }) {
  const { t } = useLocale();
  const text = !is_enabled ? t("servers.off") : error ? t("servers.broken") : null;
  return (
    <span
      className={cn("block truncate text-xs", is_enabled && error ? "text-destructive" : "text-muted-foreground")}
      data-testid="server-status"
    >
      {text ?? t("servers.tools", { count: tools.length })}
    </span>
  );
}
