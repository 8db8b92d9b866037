import { api } from "@/lib/api/client";
import type { McpServer, NewMcpServer, Page, Tool } from "@/lib/api/types";

export const listTools = () => api.get<Page<Tool>>("/tools");

export const listServers = () => api.get<Page<McpServer>>("/mcp-servers");
export const addServer = (server: NewMcpServer) => api.post<McpServer>("/mcp-servers", server);
export const switchServer = (id: string, is_enabled: boolean) =>
  api.patch<McpServer>(`/mcp-servers/${id}`, { is_enabled });
export const checkServer = (id: string) => api.post<McpServer>(`/mcp-servers/${id}/check`);
export const deleteServer = (id: string) => api.delete(`/mcp-servers/${id}`);
