"use client";

import { ArrowDownIcon } from "lucide-react";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { AnswerPlace } from "@/features/chat/answer";
import { type Conversation, shownMessages } from "@/features/chat/conversation";
import { AssistantMessage, type MessageActions } from "@/features/chat/message";
import { DraftMessage, UserMessage } from "@/features/chat/user-message";
import { useLocale } from "@/lib/locale/locale";

interface TranscriptProps {
  conversation: Conversation;
  onOlder: () => void;
  actions: MessageActions;
  /** Buttons that start a run are disabled. */
  busy: boolean;
}

/** The messages, the draft that is being sent, and the answer that streams. */
export function Transcript({ conversation, onOlder, actions, busy }: TranscriptProps) {
  const { t } = useLocale();
  const { draft, refused, answer, older } = conversation;
  const messages = shownMessages(conversation);
  const { scroller, content, atEnd, toEnd } = useStickyScroll(messages[0]?.id);

  // The sender wants to see the answer.
  useEffect(() => {
    if (draft !== null) toEnd();
  }, [draft, toEnd]);

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
              <UserMessage
                key={message.id}
                message={message}
                actions={actions}
                busy={busy}
                refused={refused?.kind === "edit" && refused.replaces === message.id ? refused.content : undefined}
              />
            ) : (
              <AssistantMessage
                key={message.id}
                message={message}
                answer={answer?.message?.id === message.id ? answer : null}
                actions={actions}
                busy={busy}
              />
            ),
          )}
          {draft !== null && draft.kind !== "regenerate" && <DraftMessage text={draft.content} />}
          {draft !== null && <AnswerPlace status="streaming" />}
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

const NEAR_PX = 48;

interface StickyScroll {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  atEnd: boolean;
  toEnd: () => void;
}

/** Keeps the end of a growing list in view until the reader scrolls up. `first` is the id of the first entry. Entries that are added above it do not move the view. */
function useStickyScroll(first: string | undefined): StickyScroll {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticky = useRef(true);
  const last = useRef({ top: 0, height: 0 });
  const wasFirst = useRef(first);
  const [atEnd, setAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    sticky.current = true;
    setAtEnd(true);
    if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, []);

  useEffect(() => {
    const box = scroller.current;
    if (!box || !content.current) return;
    const onScroll = () => {
      const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
      // Only the reader scrolls up. A growing list never does.
      if (near) sticky.current = true;
      else if (box.scrollTop < last.current.top) sticky.current = false;
      last.current = { top: box.scrollTop, height: box.scrollHeight };
      setAtEnd(near || sticky.current);
    };
    const growth = new ResizeObserver(() => {
      if (sticky.current) box.scrollTop = box.scrollHeight;
      last.current.height = box.scrollHeight;
    });
    box.addEventListener("scroll", onScroll, { passive: true });
    growth.observe(content.current);
    growth.observe(box);
    return () => {
      box.removeEventListener("scroll", onScroll);
      growth.disconnect();
    };
  }, []);

  useLayoutEffect(() => {
    const box = scroller.current;
    const grewAbove = box?.querySelector(`[data-message-id="${wasFirst.current}"]`);
    wasFirst.current = first;
    if (!box || sticky.current || !grewAbove) return;
    box.scrollTop += box.scrollHeight - last.current.height;
    last.current = { top: box.scrollTop, height: box.scrollHeight };
  }, [first]);

  return { scroller, content, atEnd, toEnd };
}
