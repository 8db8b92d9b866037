"use client";

import { ItemList } from "@/components/item-list";
import { Dialog, DialogContent, DialogDescription, DialogHeader, DialogTitle } from "@/components/ui/dialog";
import { ServerForm } from "@/features/tools/server-form";
import { ServerItem } from "@/features/tools/server-item";
import { api } from "@/lib/api/client";
import type { McpServer, McpServers, NewMcpServer } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";

const listServers = () => api.get<McpServers>("/mcp-servers");
const addServer = (server: NewMcpServer) => api.post<McpServer>("/mcp-servers", server);

export function ServersDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLocale();
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
        <ItemList
          empty={t("servers.empty")}
          addLabel={t("servers.add")}
          addTestId="add-server"
          list={listServers}
          renderItem={(server, put, drop) => <ServerItem server={server} onChange={put} onDelete={drop} />}
          renderForm={(put, close) => (
            <ServerForm
              onSave={async (place) => {
                put(await addServer(place));
                close();
              }}
              onCancel={close}
            />
          )}
        />
      </DialogContent>
    </Dialog>
  );
}
