import { api } from "@/lib/api/client";
import type { Alias, AliasChange, Aliases, NewAlias } from "@/lib/api/types";

export const listAliases = () => api.get<Aliases>("/admin/aliases");
export const addAlias = (alias: NewAlias) => api.post<Alias>("/admin/aliases", alias);
export const changeAlias = (id: string, change: AliasChange) => api.patch<Alias>(`/admin/aliases/${id}`, change);
export const deleteAlias = (id: string) => api.delete(`/admin/aliases/${id}`);
