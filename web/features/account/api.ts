import { api } from "@/lib/api/client";
import type { Devices, PasswordChange, Preferences } from "@/lib/api/types";

export const getPreferences = () => api.get<Preferences>("/preferences");
export const changePreferences = (change: Preferences) => api.patch<Preferences>("/preferences", change);
export const changePassword = (change: PasswordChange) => api.post<void>("/auth/password", change);
export const listDevices = () => api.get<Devices>("/auth/sessions");
export const signOutDevice = (id: string) => api.delete(`/auth/sessions/${id}`);
