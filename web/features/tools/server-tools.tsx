"use client";

import { toolTitle } from "@/features/calls/names";
import { useLocale } from "@/features/locale/locale";
import type { McpServer } from "@/lib/api/types";

interface ServerToolsProps {
  server: string;
  tools: McpServer["tools"];
}

/** What a server offers. */
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
