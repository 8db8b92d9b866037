"use client";

import { ArrowDownIcon } from "lucide-react";
import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import type { Conversation } from "@/features/chat/conversation";
import { AnswerFrame, AssistantMessage, UserMessage } from "@/features/chat/message";
import { useStickyScroll } from "@/features/chat/use-sticky-scroll";
import { useLocale } from "@/features/locale/locale";
import type { Message } from "@/lib/api/types";

interface TranscriptProps {
  conversation: Conversation;
  onOlder: () => void;
  onTryAgain: (message: Message) => void;
}

/** The messages, the one being sent, and the answer being written. */
export function Transcript({ conversation, onOlder, onTryAgain }: TranscriptProps) {
  const { t } = useLocale();
  const { messages, offered, answer, older } = conversation;
  const { scroller, content, atEnd, toEnd } = useStickyScroll(messages[0]?.id);
  const last = messages.at(-1)?.id;

  // Whoever sends wants to see the answer.
  useEffect(() => {
    if (offered !== null) toEnd();
  }, [offered, toEnd]);

  return (
    <div className="relative min-h-0 flex-1">
      <div ref={scroller} className="h-full overflow-y-auto [overflow-anchor:none]">
        <div
          ref={content}
          role="log"
          aria-live="off"
          aria-label={t("chat.log")}
          className="mx-auto flex w-full max-w-3xl flex-col gap-7 px-4 py-6 sm:px-6"
        >
          {older && (
            <Button variant="ghost" size="sm" className="self-center text-muted-foreground" onClick={onOlder}>
              {t("chat.older")}
            </Button>
          )}
          {messages.map((message) =>
            message.role === "user" ? (
              <UserMessage key={message.id} id={message.id} text={message.content} />
            ) : (
              <AssistantMessage
                key={message.id}
                message={message}
                answer={answer?.message?.id === message.id ? answer : null}
                onTryAgain={message.id === last ? onTryAgain : undefined}
              />
            ),
          )}
          {offered !== null && <UserMessage text={offered} />}
          {offered !== null && <AnswerFrame status="streaming" text="" tools={[]} />}
        </div>
      </div>
      {!atEnd && (
        <Button
          variant="outline"
          size="icon"
          className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full bg-card shadow-md"
          aria-label={t("chat.latest")}
          onClick={toEnd}
          data-testid="to-latest"
        >
          <ArrowDownIcon />
        </Button>
      )}
    </div>
  );
}
