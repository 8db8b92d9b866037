"use client";

import { ChevronLeftIcon, ChevronRightIcon } from "lucide-react";
import { IconButton } from "@/features/chat/icon-button";
import { placeOf } from "@/features/chat/siblings";
import { useLocale } from "@/features/locale/locale";
import type { Message } from "@/lib/api/types";

interface SiblingSwitchProps {
  message: Message;
  disabled: boolean;
  onShow: (messageId: string) => void;
}

/** Leads to the branches beside a message's own, where there are any. */
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
