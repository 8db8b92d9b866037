import { api } from "@/lib/api/client";
import type { SignedIn, User } from "@/lib/api/types";

export interface Registration {
  username: string;
  email: string;
  password: string;
  invitation?: string;
}

export const getMe = () => api.get<User>("/auth/me");
export const register = (registration: Registration) => api.post<SignedIn>("/auth/register", registration);
export const signIn = (username: string, password: string) => api.post<SignedIn>("/auth/login", { username, password });
export const signOut = () => api.post<void>("/auth/logout");
