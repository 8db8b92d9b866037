"use client";

import { useSyncExternalStore } from "react";
import { Alert } from "@/components/alert";
import { Logo } from "@/components/logo";
import { NoticesProvider } from "@/components/notices";
import { Button } from "@/components/ui/button";
import { AuthProvider, useAuth } from "@/features/auth/auth";
import { Welcome } from "@/features/auth/welcome";
import { PreferencesProvider } from "@/features/preferences/preferences";
import { SessionsProvider } from "@/features/sessions/sessions";
import { ChatPage } from "@/features/workspace/chat-page";
import { LocaleProvider, useLocale } from "@/lib/locale/locale";

/** The whole app. Only the browser knows language and account, so the export contains just the splash. */
export function Workspace() {
  if (!useInBrowser()) return <Splash />;
  return (
    <LocaleProvider>
      <NoticesProvider>
        <AuthProvider>
          <Gate />
        </AuthProvider>
      </NoticesProvider>
    </LocaleProvider>
  );
}

function useInBrowser(): boolean {
  return useSyncExternalStore(
    () => () => {},
    () => true,
    () => false,
  );
}

function Gate() {
  const { t } = useLocale();
  const { state, ask } = useAuth();
  switch (state.name) {
    case "asking":
      return <Splash />;
    case "signed-out":
      return <Welcome />;
    case "unreachable":
      return (
        <main className="grid h-dvh place-content-center justify-items-center gap-4 p-6">
          <Alert>{t("app.unreachable")}</Alert>
          <Button variant="outline" onClick={ask}>
            {t("app.retry")}
          </Button>
        </main>
      );
    case "signed-in":
      return (
        <PreferencesProvider key={state.user.id}>
          <SessionsProvider>
            <ChatPage user={state.user} />
          </SessionsProvider>
        </PreferencesProvider>
      );
  }
}

/** Shown until the account is loaded. */
function Splash() {
  return (
    <div className="grid h-dvh place-items-center" aria-busy="true">
      <Logo className="size-11 animate-pulse" />
    </div>
  );
}
