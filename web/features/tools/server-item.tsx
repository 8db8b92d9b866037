"use client";

import { RefreshCwIcon } from "lucide-react";
import { useState } from "react";
import { Alert } from "@/components/alert";
import { Fold } from "@/components/fold";
import { ItemActions } from "@/components/item-list";
import { Button } from "@/components/ui/button";
import { Switch } from "@/components/ui/switch";
import { toolTitle } from "@/features/calls/tool-names";
import { ServerForm } from "@/features/tools/server-form";
import { api } from "@/lib/api/client";
import type { McpServer, McpServerChange } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";
import { useAttempt } from "@/lib/use-attempt";

const deleteServer = (id: string) => api.delete(`/mcp-servers/${id}`);

const checkServer = (id: string) => api.post<McpServer>(`/mcp-servers/${id}/check`);

const changeServer = (id: string, change: McpServerChange) => api.patch<McpServer>(`/mcp-servers/${id}`, change);

interface ServerItemProps {
  server: McpServer;
  onChange: (server: McpServer) => void;
  onDelete: () => void;
}

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
          <ItemActions
            testId="server"
            busy={busy}
            onEdit={server.url === null ? undefined : () => setEditing(true)}
            onDelete={() => attempt(deleteServer(server.id), onDelete)}
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

interface ServerToolsProps {
  server: string;
  tools: McpServer["tools"];
}

export function ServerTools({ server, tools }: ServerToolsProps) {
  const { t } = useLocale();
  if (tools.length === 0) return <p className="text-muted-foreground">{t("servers.no_tools")}</p>;
  return (
    <ul className="grid max-h-72 gap-2.5 overflow-y-auto">
      {tools.map((tool) => (
        <li key={tool.name} data-testid="server-tool">
          <p className="flex items-baseline gap-2">
            <span className="truncate font-medium">{toolTitle(t, { ...tool, server })}</span>
            {!tool.read_only && <span className="shrink-0 text-primary text-xs">{t("tools.asks")}</span>}
          </p>
          {tool.description && <p className="line-clamp-2 text-muted-foreground text-xs">{tool.description}</p>}
        </li>
      ))}
    </ul>
  );
}
