"use client";

import { EllipsisIcon, GhostIcon, PencilIcon, Trash2Icon } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, useState } from "react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Input } from "@/components/ui/input";
import { chatPath } from "@/features/sessions/location";
import type { ChatSession } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";

interface SessionItemProps {
  session: ChatSession;
  current: boolean;
  onOpen: () => void;
  onRename: (title: string) => void;
  onDelete: () => void;
}

export function SessionItem({ session, current, onOpen, onRename, onDelete }: SessionItemProps) {
  const { t } = useLocale();
  const [renaming, setRenaming] = useState(false);
  const title = session.title || t("sessions.untitled");

  function open(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    onOpen();
  }

  if (renaming) {
    return (
      <li>
        <TitleInput
          title={title}
          onDone={(chosen) => {
            setRenaming(false);
            if (chosen && chosen !== title) onRename(chosen);
          }}
        />
      </li>
    );
  }

  return (
    <li className="group relative min-w-0" data-testid="chat-item" data-chat-id={session.id}>
      <a
        href={chatPath(session.id)}
        aria-current={current ? "page" : undefined}
        onClick={open}
        title={title}
        className={cn(
          "block truncate rounded-md py-2 pr-10 pl-3 text-sm outline-none transition-colors hover:bg-accent focus-visible:ring-[3px] focus-visible:ring-ring/50",
          current && "bg-accent font-medium",
        )}
      >
        {session.temporary && (
          <GhostIcon
            className="-mt-0.5 mr-1.5 inline size-3.5 text-muted-foreground"
            aria-label={t("chat.temporary")}
          />
        )}
        {title}
      </a>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={t("sessions.menu", { title })}
            className="absolute top-0.5 right-0.5 text-muted-foreground opacity-0 focus-visible:opacity-100 group-hover:opacity-100 data-[state=open]:opacity-100 [@media(hover:none)]:opacity-100"
            data-testid="chat-menu"
          >
            <EllipsisIcon />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent align="end" onCloseAutoFocus={(event) => renaming && event.preventDefault()}>
          <DropdownMenuItem onSelect={() => setRenaming(true)} data-testid="rename-chat">
            <PencilIcon />
            {t("sessions.rename")}
          </DropdownMenuItem>
          <DropdownMenuItem variant="destructive" onSelect={onDelete} data-testid="delete-chat">
            <Trash2Icon />
            {t("app.delete")}
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
    </li>
  );
}

function TitleInput({ title, onDone }: { title: string; onDone: (chosen: string | null) => void }) {
  const { t } = useLocale();

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") onDone(event.currentTarget.value.trim());
    if (event.key === "Escape") onDone(null);
  }

  return (
    <Input
      autoFocus
      defaultValue={title}
      maxLength={200}
      aria-label={t("sessions.rename_label")}
      className="h-9 px-2.5 md:text-sm"
      onFocus={(event) => event.currentTarget.select()}
      onKeyDown={onKeyDown}
      onBlur={(event) => onDone(event.currentTarget.value.trim())}
      data-testid="rename-input"
    />
  );
}
