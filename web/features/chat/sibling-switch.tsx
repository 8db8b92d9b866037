"use client";

import { ChevronLeftIcon, ChevronRightIcon } from "lucide-react";
import { IconButton } from "@/features/chat/icon-buttons";
import type { Message } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";

interface SiblingSwitchProps {
  message: Message;
  disabled: boolean;
  onShow: (messageId: string) => void;
}

/** Buttons that show the other versions of a message. */
export function SiblingSwitch({ message, disabled, onShow }: SiblingSwitchProps) {
  const { t } = useLocale();
  const place = placeOf(message);
  if (!place) return null;
  const { number, count, previous, next } = place;
  return (
    <fieldset
      className="flex items-center text-muted-foreground text-xs tabular-nums"
      aria-label={t("chat.version", { number: `${number}`, count: `${count}` })}
    >
      <IconButton
        label={t("chat.version_previous")}
        className="w-6"
        disabled={disabled || !previous}
        onClick={() => previous && onShow(previous)}
        data-testid="sibling-prev"
      >
        <ChevronLeftIcon />
      </IconButton>
      <span data-testid="sibling-count">
        {number}/{count}
      </span>
      <IconButton
        label={t("chat.version_next")}
        className="w-6"
        disabled={disabled || !next}
        onClick={() => next && onShow(next)}
        data-testid="sibling-next"
      >
        <ChevronRightIcon />
      </IconButton>
    </fieldset>
  );
}

export interface Place {
  /** Counted from 1. */
  number: number;
  count: number;
  previous: string | undefined;
  next: string | undefined;
}

/** Null if a message has no siblings. */
export function placeOf({ id, siblings }: Pick<Message, "id" | "siblings">): Place | null {
  const at = siblings.indexOf(id);
  if (at < 0 || siblings.length < 2) return null;
  return { number: at + 1, count: siblings.length, previous: siblings[at - 1], next: siblings[at + 1] };
}
