"use client";

import { RefreshCwIcon, RotateCcwIcon, ThumbsDownIcon, ThumbsUpIcon } from "lucide-react";
import { memo } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import type { Decide } from "@/features/calls/approval-card";
import { storedCalls } from "@/features/calls/tool-calls";
import { AnswerBody, AnswerPlace } from "@/features/chat/answer";
import { type AnswerStatus, ratingOf, statusOf } from "@/features/chat/conversation";
import { CopyButton, IconButton } from "@/features/chat/icon-buttons";
import { SiblingSwitch } from "@/features/chat/sibling-switch";
import type { Answer } from "@/features/chat/stream";
import type { Message, Rating } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";
import { describeCode } from "@/lib/locale/texts";

export interface MessageActions {
  regenerate: (answer: Message) => void;
  edit: (message: Message, content: string) => void;
  show: (messageId: string) => void;
  rate: (answer: Message, rating: Rating | null) => void;
  decide: Decide;
}

interface AssistantMessageProps {
  message: Message;
  /** The streaming answer. Undefined after its end. */
  answer?: Answer | null;
  actions: MessageActions;
  /** Buttons that start a run are disabled. */
  busy: boolean;
}

export const AssistantMessage = memo(function AssistantMessage(props: AssistantMessageProps) {
  const { message, answer, actions, busy } = props;
  const status = answer?.status ?? statusOf(message);
  return (
    <AnswerPlace id={message.id} status={status}>
      <AnswerBody
        text={answer?.text ?? message.content}
        calls={answer?.calls ?? storedCalls(message)}
        writing={status === "streaming"}
        onDecide={actions.decide}
      />
      <Footer message={message} status={status} actions={actions} busy={busy} />
    </AnswerPlace>
  );
});

interface FooterProps {
  message: Message;
  status: AnswerStatus;
  actions: MessageActions;
  busy: boolean;
}

function Footer({ message, status, actions, busy }: FooterProps) {
  const { t } = useLocale();
  const error = message.run?.error;
  const ended = status !== "streaming";
  return (
    <>
      {status === "failed" && (
        <Alert className="mt-3">
          <p className="font-medium">{t("chat.failed")}</p>
          {error && <p className="mt-0.5">{describeCode(t, error.code, error.detail)}</p>}
        </Alert>
      )}
      <div
        className={cn(
          "mt-1.5 flex min-h-8 flex-wrap items-center gap-x-2 text-muted-foreground text-xs empty:hidden",
          message.content && "-ml-1.5",
        )}
      >
        {ended && message.content && (
          <div className="flex items-center">
            <CopyButton text={message.content} label={t("chat.copy_answer")} />
            <Thumbs message={message} onRate={actions.rate} />
            {status === "done" && (
              <IconButton
                label={t("chat.regenerate")}
                disabled={busy}
                onClick={() => actions.regenerate(message)}
                data-testid="regenerate"
              >
                <RefreshCwIcon />
              </IconButton>
            )}
          </div>
        )}
        {ended && status !== "done" && (
          <Button
            variant="outline"
            size="sm"
            disabled={busy}
            onClick={() => actions.regenerate(message)}
            data-testid="try-again"
          >
            <RotateCcwIcon />
            {t("chat.try_again")}
          </Button>
        )}
        <SiblingSwitch message={message} disabled={busy} onShow={actions.show} />
        {status === "cancelled" && <span>{t("chat.stopped")}</span>}
        {status === "done" && <ContextNotes message={message} />}
        {status === "done" && message.model_used && <span className="truncate">{message.model_used}</span>}
      </div>
    </>
  );
}

const thumbs = [
  { rating: "up", icon: ThumbsUpIcon, text: "chat.thumb_up" },
  { rating: "down", icon: ThumbsDownIcon, text: "chat.thumb_down" },
] as const;

/** Rates an answer. A second press removes the rating. */
function Thumbs({ message, onRate }: { message: Message; onRate: MessageActions["rate"] }) {
  const { t } = useLocale();
  const given = ratingOf(message);
  return thumbs.map(({ rating, icon: Icon, text }) => (
    <IconButton
      key={rating}
      label={t(text)}
      aria-pressed={given === rating}
      className="aria-pressed:text-primary aria-pressed:[&_svg]:fill-primary/25"
      onClick={() => onRate(message, given === rating ? null : rating)}
      data-testid={`thumb-${rating}`}
    >
      <Icon />
    </IconButton>
  ));
}

/** How the context of an answer differs from the chat, because the chat is longer than the model's context window. */
interface ContextInfo {
  summarised?: boolean;
  left_out?: number;
}

export function contextOf({ meta_info }: Pick<Message, "meta_info">): ContextInfo {
  return (meta_info.context ?? {}) as ContextInfo;
}

/** The cache had the answer, or an identical request at the same time shared its call. */
export function isFromCache({ meta_info }: Pick<Message, "meta_info">): boolean {
  return meta_info.cache === "hit" || meta_info.cache === "coalesced";
}

function ContextNotes({ message }: { message: Message }) {
  const { t } = useLocale();
  const { summarised, left_out } = contextOf(message);
  return (
    <>
      {isFromCache(message) && (
        <span title={t("chat.cached_hint")} data-testid="cached">
          {t("chat.cached")}
        </span>
      )}
      {summarised && <span>{t("chat.summarized")}</span>}
      {left_out ? <span>{t("chat.left_out", { count: left_out })}</span> : null}
    </>
  );
}
