"use client";

import { RefreshCwIcon, RotateCcwIcon, ThumbsDownIcon, ThumbsUpIcon } from "lucide-react";
import { memo, type ReactNode } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { type AnswerStatus, ratingOf, statusOf } from "@/features/chat/conversation";
import { CopyButton } from "@/features/chat/copy-button";
import { IconButton } from "@/features/chat/icon-button";
import { Markdown } from "@/features/chat/markdown";
import { SiblingSwitch } from "@/features/chat/sibling-switch";
import type { Answer, ToolUse } from "@/features/chat/stream";
import { ToolList } from "@/features/chat/tool-list";
import { describeCode } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import type { Message, Rating } from "@/lib/api/types";
import { cn } from "@/lib/cn";

/** What can be done with a message. */
export interface MessageActions {
  regenerate: (answer: Message) => void;
  edit: (message: Message, content: string) => void;
  show: (messageId: string) => void;
  rate: (answer: Message, rating: Rating | null) => void;
}

interface AssistantMessageProps {
  message: Message;
  /** The answer while it is written; the message alone once it has ended. */
  answer?: Answer | null;
  actions: MessageActions;
  /** Nothing can be begun now. */
  busy: boolean;
}

export const AssistantMessage = memo(function AssistantMessage(props: AssistantMessageProps) {
  const { message, answer, actions, busy } = props;
  const status = answer?.status ?? statusOf(message);
  return (
    <AnswerFrame
      id={message.id}
      status={status}
      text={answer?.text ?? message.content}
      tools={answer?.tools ?? toolsOf(message)}
      footer={<Footer message={message} status={status} actions={actions} busy={busy} />}
    />
  );
});

interface AnswerFrameProps {
  id?: string;
  status: AnswerStatus;
  text: string;
  tools: ToolUse[];
  footer?: ReactNode;
}

/** An answer's place, from the moment its message is sent. */
export function AnswerFrame({ id, status, text, tools, footer }: AnswerFrameProps) {
  const { t } = useLocale();
  return (
    <article
      aria-label={t("chat.assistant")}
      aria-busy={status === "streaming"}
      className="group min-w-0"
      data-testid="message-assistant"
      data-status={status}
      data-message-id={id}
    >
      <ToolList tools={tools} />
      {text && <Markdown text={text} writing={status === "streaming"} />}
      {!text && status === "streaming" && <Thinking />}
      {footer}
    </article>
  );
}

function Thinking() {
  const { t } = useLocale();
  return (
    <p className="flex h-7 items-center gap-1.5" role="status" aria-label={t("chat.thinking")}>
      {["0ms", "160ms", "320ms"].map((delay) => (
        <span
          key={delay}
          className="size-2 animate-pulse rounded-full bg-muted-foreground/60"
          style={{ animationDelay: delay }}
        />
      ))}
    </p>
  );
}

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
        {status === "done" && message.model_used && <span className="truncate">{message.model_used}</span>}
      </div>
    </>
  );
}

const thumbs = [
  { rating: "up", icon: ThumbsUpIcon, text: "chat.thumb_up" },
  { rating: "down", icon: ThumbsDownIcon, text: "chat.thumb_down" },
] as const;

/** Says what an answer is worth; pressed again, takes it back. */
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

function toolsOf(message: Message): ToolUse[] {
  const names = message.mcp_tools_used.filter((name) => typeof name === "string");
  return names.map((name, index) => ({ callId: `${index}`, name, state: "done" }));
}
