"use client";

import { GhostIcon, MenuIcon, SquarePenIcon } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import { Sheet, SheetContent, SheetTitle } from "@/components/ui/sheet";
import { AccountMenu } from "@/features/account/account-menu";
import { Chat } from "@/features/chat/chat";
import { adoptChat, openChat, useOpenedChat } from "@/features/sessions/location";
import { SessionList } from "@/features/sessions/session-list";
import { useSessions } from "@/features/sessions/sessions";
import { useFreshness } from "@/features/sessions/use-refresh";
import type { User } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";

/** The page after sign-in. Narrow screens show the list of chats behind a button. */
export function ChatPage({ user }: { user: User }) {
  const { t } = useLocale();
  const { sessions } = useSessions();
  const { id, key } = useOpenedChat();
  const [menuOpen, setMenuOpen] = useState(false);
  const { refresh, awaitTitle } = useFreshness(id);
  const session = sessions.find((each) => each.id === id);
  const title = id ? session?.title || t("sessions.untitled") : t("sessions.new");

  useEffect(() => {
    document.title = session?.title ? `${session.title} · ${t("app.name")}` : t("app.name");
  }, [session?.title, t]);

  function startNew() {
    setMenuOpen(false);
    openChat(null);
  }

  const sidebar = <Sidebar user={user} current={id} onNew={startNew} onNavigate={() => setMenuOpen(false)} />;
  const wide = useWide();

  return (
    <div className="flex h-dvh">
      {wide ? (
        <aside className="w-[17rem] shrink-0 border-r bg-sidebar">{sidebar}</aside>
      ) : (
        <Sheet open={menuOpen} onOpenChange={setMenuOpen}>
          <SheetContent aria-describedby={undefined}>
            <SheetTitle className="sr-only">{t("sessions.title")}</SheetTitle>
            {sidebar}
          </SheetContent>
        </Sheet>
      )}
      <main className="flex min-w-0 flex-1 flex-col">
        <header className="flex h-14 shrink-0 items-center gap-1 px-2 md:px-5">
          {!wide && (
            <Button
              variant="ghost"
              size="icon"
              aria-label={t("app.menu")}
              onClick={() => setMenuOpen(true)}
              data-testid="open-menu"
            >
              <MenuIcon className="size-5" />
            </Button>
          )}
          <h1 className="min-w-0 flex-1 truncate px-1 text-center font-medium text-sm md:text-left">{id && title}</h1>
          {session?.temporary && (
            <p
              title={t("chat.temporary_hint")}
              className="flex shrink-0 items-center gap-1.5 px-1 text-muted-foreground text-xs"
              data-testid="is-temporary"
            >
              <GhostIcon className="size-4" aria-hidden="true" />
              <span className="max-md:sr-only">{t("chat.temporary")}</span>
            </p>
          )}
          {!wide && (
            <Button variant="ghost" size="icon" aria-label={t("sessions.new")} onClick={startNew}>
              <SquarePenIcon className="size-5" />
            </Button>
          )}
        </header>
        <Chat
          key={key}
          user={user}
          opened={id}
          session={session}
          onCreated={(created) => adoptChat(created, key)}
          onActivity={refresh}
          onBegun={awaitTitle}
        />
      </main>
    </div>
  );
}

interface SidebarProps {
  user: User;
  current: string | null;
  onNew: () => void;
  onNavigate: () => void;
}

function Sidebar({ user, current, onNew, onNavigate }: SidebarProps) {
  const { t } = useLocale();
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-14 shrink-0 items-center gap-2.5 px-4">
        <Logo className="size-7" />
        <span className="font-semibold tracking-tight">{t("app.name")}</span>
      </div>
      <div className="px-2.5 pb-3">
        <Button variant="outline" className="w-full justify-start bg-card" onClick={onNew} data-testid="new-chat">
          <SquarePenIcon />
          {t("sessions.new")}
        </Button>
      </div>
      <SessionList current={current} onNavigate={onNavigate} />
      <div className="border-t p-2">
        <AccountMenu user={user} />
      </div>
    </div>
  );
}

const query = () => window.matchMedia("(min-width: 48rem)");

/** The screen has room for two columns. */
function useWide(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const wide = query();
      wide.addEventListener("change", changed);
      return () => wide.removeEventListener("change", changed);
    },
    () => query().matches,
  );
}
