import { api } from "@/lib/api/client";
import type { Login, Registration, SignedIn, User } from "@/lib/api/types";

export const getMe = () => api.get<User>("/auth/me");
export const register = (registration: Registration) => api.post<SignedIn>("/auth/register", registration);
export const signIn = (login: Login) => api.post<SignedIn>("/auth/login", login);
export const signOut = () => api.post<void>("/auth/logout");
