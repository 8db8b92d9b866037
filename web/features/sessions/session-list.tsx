"use client";

import { useEffect, useRef } from "react";
import { Button } from "@/components/ui/button";
import { openChat } from "@/features/sessions/location";
import { SessionItem } from "@/features/sessions/session-item";
import { periods, useSessions } from "@/features/sessions/sessions";
import { useLocale } from "@/lib/locale/locale";

/** All chats, latest activity first. The next page loads when the end is visible. */
export function SessionList({ current, onNavigate }: { current: string | null; onNavigate: () => void }) {
  const { t } = useLocale();
  const { sessions, state, rename, remove } = useSessions();

  function open(id: string) {
    openChat(id);
    onNavigate();
  }

  async function discard(id: string) {
    if (id === current) openChat(null);
    await remove(id);
  }

  return (
    <nav
      aria-label={t("sessions.title")}
      className="min-h-0 flex-1 overflow-y-auto px-2.5 pb-3"
      data-testid="chat-list"
    >
      {sessions.length === 0 && state === "ready" && (
        <p className="px-3 py-2 text-muted-foreground text-sm">{t("sessions.empty")}</p>
      )}
      {periods(sessions, new Date()).map((period) => (
        <section key={period.label} className="mb-3">
          <h2 className="px-3 py-1.5 text-muted-foreground text-xs">{t(period.label)}</h2>
          <ul className="grid grid-cols-[minmax(0,1fr)] gap-0.5">
            {period.sessions.map((session) => (
              <SessionItem
                key={session.id}
                session={session}
                current={session.id === current}
                onOpen={() => open(session.id)}
                onRename={(title) => rename(session.id, title)}
                onDelete={() => discard(session.id)}
              />
            ))}
          </ul>
        </section>
      ))}
      <More />
    </nav>
  );
}

function More() {
  const { t } = useLocale();
  const { state, hasMore, loadMore } = useSessions();
  const end = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!end.current || !hasMore || state !== "ready") return;
    const sight = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && loadMore());
    sight.observe(end.current);
    return () => sight.disconnect();
  }, [hasMore, state, loadMore]);

  if (!hasMore) return null;
  return (
    <div ref={end}>
      <Button variant="ghost" size="sm" className="w-full text-muted-foreground" onClick={loadMore}>
        {t(state === "failed" ? "app.retry" : "app.more")}
      </Button>
    </div>
  );
}
