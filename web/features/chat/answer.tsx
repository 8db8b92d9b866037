"use client";

import type { ReactNode } from "react";
import type { Decide } from "@/features/calls/approval-card";
import { CallList } from "@/features/calls/call-list";
import { type Piece, piecesOf, type ToolCall } from "@/features/calls/tool-calls";
import type { AnswerStatus } from "@/features/chat/conversation";
import { Markdown } from "@/features/chat/markdown";
import { useLocale } from "@/lib/locale/locale";

interface AnswerPlaceProps {
  id?: string;
  status: AnswerStatus;
  children?: ReactNode;
}

/** The place of an answer, from the moment its draft is sent. */
export function AnswerPlace({ id, status, children }: AnswerPlaceProps) {
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
      {children ?? <Thinking />}
    </article>
  );
}

interface AnswerBodyProps {
  text: string;
  calls: ToolCall[];
  writing: boolean;
  onDecide: Decide;
}

/** The text of an answer, with its tool calls at their offsets. */
export function AnswerBody({ text, calls, writing, onDecide }: AnswerBodyProps) {
  const pieces = piecesOf(text, calls);
  const last = pieces.length - 1;
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 empty:hidden">
      {pieces.map((piece, index) =>
        piece.kind === "text" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces are only ever added at the end
          <Markdown key={index} text={piece.text} writing={writing && index === last} />
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces are only ever added at the end
          <CallList key={index} calls={piece.calls} onDecide={onDecide} />
        ),
      )}
      {writing && isThinking(pieces[last]) && <Thinking />}
    </div>
  );
}

/** The answer shows no other activity at its end: no text, no running call, no approval. */
function isThinking(last: Piece | undefined): boolean {
  if (!last) return true;
  return last.kind === "calls" && last.calls.every(({ state }) => state !== "running" && state !== "waiting");
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
