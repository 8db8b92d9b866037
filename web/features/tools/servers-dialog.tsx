"use client";

import { PlusIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { ServerForm } from "@/features/tools/server-form";
import { ServerItem } from "@/features/tools/server-item";
import { api } from "@/lib/api/client";
import type { McpServer, McpServers, NewMcpServer } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

const listServers = () => api.get<McpServers>("/mcp-servers");
const addServer = (server: NewMcpServer) => api.post<McpServer>("/mcp-servers", server);

/** The outside servers whose tools a person may use. */
export function ServersDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
  const [servers, setServers] = useState<McpServer[] | null>(null);
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    listServers().then((page) => setServers(page.items), setError);
  }, []);

  const put = (server: McpServer) => setServers((list) => withServer(list ?? [], server));
  const drop = (id: string) => setServers((list) => list?.filter((each) => each.id !== id) ?? null);

  return (
    <Dialog open onOpenChange={onClose}>
      <DialogContent
        closeLabel={t("app.close")}
        className="sm:max-w-xl"
        onOpenAutoFocus={(event) => event.preventDefault()}
      >
        <DialogHeader>
          <DialogTitle>{t("servers.title")}</DialogTitle>
          <DialogDescription>{t("servers.hint")}</DialogDescription>
        </DialogHeader>
        {error !== null && <Alert>{describeError(t, error)}</Alert>}
        {servers?.length === 0 && !adding && (
          <p className="rounded-lg border border-dashed px-4 py-6 text-center text-muted-foreground text-sm">
            {t("servers.empty")}
          </p>
        )}
        <ul className="grid gap-2.5 empty:hidden" aria-busy={servers === null && error === null}>
          {servers?.map((server) => (
            <ServerItem key={server.id} server={server} onChange={put} onDelete={() => drop(server.id)} />
          ))}
        </ul>
        {adding ? (
          <ServerForm
            onSave={async (place) => {
              put(await addServer(place));
              setAdding(false);
            }}
            onCancel={() => setAdding(false)}
          />
        ) : (
          <Button
            variant="outline"
            className="justify-self-start"
            onClick={() => setAdding(true)}
            data-testid="add-server"
          >
            <PlusIcon />
            {t("servers.add")}
          </Button>
        )}
      </DialogContent>
    </Dialog>
  );
}

function withServer(servers: McpServer[], server: McpServer): McpServer[] {
  const at = servers.findIndex((each) => each.id === server.id);
  return at < 0 ? [...servers, server] : servers.with(at, server);
}
