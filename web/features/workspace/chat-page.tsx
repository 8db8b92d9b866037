"use client";

import { GhostIcon, MenuIcon, SquarePenIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Sheet, SheetContent, SheetTitle } from "@/components/ui/sheet";
import { Chat } from "@/features/chat/chat";
import { useLocale } from "@/features/locale/locale";
import { adoptChat, openChat, useOpenedChat } from "@/features/sessions/location";
import { useSessions } from "@/features/sessions/sessions";
import { useFreshness } from "@/features/sessions/use-freshness";
import { Sidebar } from "@/features/workspace/sidebar";
import type { User } from "@/lib/api/types";
import { useWide } from "@/lib/use-wide";

/** The page of who is signed in: chats beside the open one, behind a button on narrow screens. */
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
