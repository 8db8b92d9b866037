import { api } from "@/lib/api/client";
import type { McpServer, McpServerChange, McpServers, NewMcpServer, Tools } from "@/lib/api/types";

export const listTools = () => api.get<Tools>("/tools");

export const listServers = () => api.get<McpServers>("/mcp-servers");
export const addServer = (server: NewMcpServer) => api.post<McpServer>("/mcp-servers", server);
export const changeServer = (id: string, change: McpServerChange) => api.patch<McpServer>(`/mcp-servers/${id}`, change);
export const checkServer = (id: string) => api.post<McpServer>(`/mcp-servers/${id}/check`);
export const deleteServer = (id: string) => api.delete(`/mcp-servers/${id}`);
