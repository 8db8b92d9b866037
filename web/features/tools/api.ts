import { api } from "@/lib/api/client";
import type { McpServer, McpServerPlace, Page, Tool } from "@/lib/api/types";

export const listTools = () => api.get<Page<Tool>>("/tools");

export const listServers = () => api.get<Page<McpServer>>("/mcp-servers");
export const addServer = (server: McpServerPlace) => api.post<McpServer>("/mcp-servers", server);
export const changeServer = (id: string, change: Partial<McpServerPlace & Pick<McpServer, "is_enabled">>) =>
  api.patch<McpServer>(`/mcp-servers/${id}`, change);
export const checkServer = (id: string) => api.post<McpServer>(`/mcp-servers/${id}/check`);
export const deleteServer = (id: string) => api.delete(`/mcp-servers/${id}`);
