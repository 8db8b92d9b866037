"use client";

import { useSyncExternalStore } from "react";
import { Alert } from "@/components/alert";
import { Splash } from "@/components/splash";
import { Button } from "@/components/ui/button";
import { PreferencesProvider } from "@/features/account/preferences";
import { AuthProvider, useAuth } from "@/features/auth/auth";
import { Welcome } from "@/features/auth/welcome";
import { LocaleProvider, useLocale } from "@/features/locale/locale";
import { NoticesProvider } from "@/features/notices/notices";
import { SessionsProvider } from "@/features/sessions/sessions";
import { ChatPage } from "@/features/workspace/chat-page";

/** The whole app. Only the browser knows language and account, so the export and hydration hold the splash alone. */
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
