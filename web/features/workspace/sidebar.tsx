"use client";

import { SquarePenIcon } from "lucide-react";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import { AccountMenu } from "@/features/account/account-menu";
import { useLocale } from "@/features/locale/locale";
import { SessionList } from "@/features/sessions/session-list";
import type { User } from "@/lib/api/types";

interface SidebarProps {
  user: User;
  current: string | null;
  onNew: () => void;
  onNavigate: () => void;
}

/** Chats above, the account below. */
export function Sidebar({ user, current, onNew, onNavigate }: SidebarProps) {
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
