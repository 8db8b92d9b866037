import { api } from "@/lib/api/client";
import type { NewProvider, Provider, ProviderChange, ProviderCheck, Providers } from "@/lib/api/types";

export const listProviders = () => api.get<Providers>("/admin/providers");
export const addProvider = (provider: NewProvider) => api.post<Provider>("/admin/providers", provider);
export const changeProvider = (id: string, change: ProviderChange) =>
  api.patch<Provider>(`/admin/providers/${id}`, change);
export const deleteProvider = (id: string) => api.delete(`/admin/providers/${id}`);
export const checkProvider = (id: string) => api.post<ProviderCheck>(`/admin/providers/${id}/check`);
