"use client";

import { RotateCcwIcon } from "lucide-react";
import { memo, type ReactNode } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { type AnswerStatus, statusOf } from "@/features/chat/conversation";
import { CopyButton } from "@/features/chat/copy-button";
import { Markdown } from "@/features/chat/markdown";
import type { Answer, ToolUse } from "@/features/chat/stream";
import { ToolList } from "@/features/chat/tool-list";
import { describeCode } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";
import type { Message } from "@/lib/api/types";
import { cn } from "@/lib/cn";

export const UserMessage = memo(function UserMessage({ text, id }: { text: string; id?: string }) {
  const { t } = useLocale();
  return (
    <article
      aria-label={t("chat.you")}
      className={cn("flex justify-end", !id && "opacity-70")}
      data-testid="message-user"
      data-message-id={id}
    >
      <div className="max-w-[85%] whitespace-pre-wrap rounded-2xl rounded-br-md bg-bubble px-4 py-2.5 text-[0.9688rem] leading-relaxed">
        {text}
      </div>
    </article>
  );
});

interface AssistantMessageProps {
  message: Message;
  /** The answer while it is written; the message alone once it has ended. */
  answer?: Answer | null;
  onTryAgain?: (message: Message) => void;
}

export const AssistantMessage = memo(function AssistantMessage({ message, answer, onTryAgain }: AssistantMessageProps) {
  const status = answer?.status ?? statusOf(message);
  return (
    <AnswerFrame
      id={message.id}
      status={status}
      text={answer?.text ?? message.content}
      tools={answer?.tools ?? toolsOf(message)}
      footer={status === "streaming" ? null : <Footer message={message} onTryAgain={onTryAgain} status={status} />}
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
  onTryAgain?: (message: Message) => void;
}

function Footer({ message, status, onTryAgain }: FooterProps) {
  const { t } = useLocale();
  const error = message.run?.error;
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
          "mt-1.5 flex min-h-8 items-center gap-2 text-muted-foreground text-xs empty:hidden",
          message.content && "-ml-1.5",
        )}
      >
        {message.content && <CopyButton text={message.content} label={t("chat.copy_answer")} />}
        {status !== "done" && onTryAgain && (
          <Button variant="outline" size="sm" onClick={() => onTryAgain(message)} data-testid="try-again">
            <RotateCcwIcon />
            {t("chat.try_again")}
          </Button>
        )}
        {status === "cancelled" && <span>{t("chat.stopped")}</span>}
        {status === "done" && message.model_used && <span className="truncate">{message.model_used}</span>}
      </div>
    </>
  );
}

function toolsOf(message: Message): ToolUse[] {
  const names = message.mcp_tools_used.filter((name) => typeof name === "string");
  return names.map((name, index) => ({ callId: `${index}`, name, state: "done" }));
}
