import { api } from "@/lib/api/client";
import type { Device, Page, Preferences } from "@/lib/api/types";

export const getPreferences = () => api.get<Preferences>("/preferences");
export const changePreferences = (change: Partial<Preferences>) => api.patch<Preferences>("/preferences", change);
export const changePassword = (current: string, chosen: string) =>
  api.post<void>("/auth/password", { current_password: current, new_password: chosen });
export const listDevices = () => api.get<Page<Device>>("/auth/sessions");
export const signOutDevice = (id: string) => api.delete(`/auth/sessions/${id}`);
