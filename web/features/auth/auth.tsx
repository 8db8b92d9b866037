"use client";

/** The account that is signed in: loaded once, then updated on sign-in, sign-out and any 401. */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { api, listenForSignOut } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import type { Login, Registration, SignedIn, User } from "@/lib/api/types";

const getMe = () => api.get<User>("/auth/me");
export const register = (registration: Registration) => api.post<SignedIn>("/auth/register", registration);
export const signIn = (login: Login) => api.post<SignedIn>("/auth/login", login);
export const signOut = () => api.post<void>("/auth/logout");

type AuthState = { name: "asking" | "signed-out" | "unreachable" } | { name: "signed-in"; user: User };

interface AuthContext {
  state: AuthState;
  /** Loads the account again. */
  ask: () => void;
  enter: (user: User) => void;
  leave: () => Promise<void>;
}

const Context = createContext<AuthContext | null>(null);

export function AuthProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<AuthState>({ name: "asking" });

  const ask = useCallback(() => {
    setState({ name: "asking" });
    getMe().then(
      (user) => setState({ name: "signed-in", user }),
      (error) => setState({ name: error instanceof ApiError && error.status === 401 ? "signed-out" : "unreachable" }),
    );
  }, []);

  useEffect(ask, [ask]);
  useEffect(() => listenForSignOut(() => setState({ name: "signed-out" })), []);

  const enter = useCallback((user: User) => setState({ name: "signed-in", user }), []);
  const leave = useCallback(async () => {
    await signOut();
    setState({ name: "signed-out" });
  }, []);

  const value = useMemo(() => ({ state, ask, enter, leave }), [state, ask, enter, leave]);
  return <Context value={value}>{children}</Context>;
}

export function useAuth(): AuthContext {
  const value = useContext(Context);
  if (!value) throw new Error("useAuth needs an AuthProvider");
  return value;
}
