"use client";

import { RefreshCwIcon } from "lucide-react";
import { useState } from "react";
import { Alert } from "@/components/alert";
import { ConfirmButton } from "@/components/confirm-button";
import { Fold } from "@/components/fold";
import { Button } from "@/components/ui/button";
import { Switch } from "@/components/ui/switch";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import { changeServer, checkServer, deleteServer } from "@/features/tools/api";
import { ServerForm } from "@/features/tools/server-form";
import { ServerTools } from "@/features/tools/server-tools";
import type { McpServer } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useAttempt } from "@/lib/use-attempt";

interface ServerItemProps {
  server: McpServer;
  onChange: (server: McpServer) => void;
  onDelete: () => void;
}

/** One server: whether it works, and unfolded what it offers and what can be done with it. */
export function ServerItem({ server, onChange, onDelete }: ServerItemProps) {
  const { t } = useLocale();
  const [editing, setEditing] = useState(false);
  const { busy, error, attempt } = useAttempt();
  const { name, is_enabled: enabled } = server;

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
  const enable = (
    <Switch
      checked={enabled}
      disabled={busy}
      onCheckedChange={(on) => attempt(changeServer(server.id, { is_enabled: on }), onChange)}
      aria-label={t("servers.enable", { name })}
      data-testid="enable-server"
    />
  );
  return (
    <li className="min-w-0 rounded-lg border" data-testid="server" data-server={name}>
      <Fold title={name} status={<Status server={server} />} aside={enable} testId="unfold-server">
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
              {t("app.edit")}
            </Button>
          )}
          <ConfirmButton
            label={t("app.delete")}
            question={t("app.delete_confirm")}
            disabled={busy}
            onConfirm={() => attempt(deleteServer(server.id), onDelete)}
            data-testid="delete-server"
          />
        </div>
      </Fold>
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
