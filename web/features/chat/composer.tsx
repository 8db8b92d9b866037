"use client";

import { ArrowUpIcon, SquareIcon } from "lucide-react";
import {
  type ComponentProps,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";

interface ComposerProps {
  busy: boolean;
  /** A text that the server rejected. It returns to the field. */
  refused: string | null;
  onSend: (text: string) => void;
  onStop: () => void;
  children?: ReactNode;
}

/** The field for a message, with its buttons. Enter sends. */
export function Composer({ busy, refused, onSend, onStop, children }: ComposerProps) {
  const { t } = useLocale();
  const [text, setText] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  const sendable = !busy && text.trim() !== "";

  useEffect(() => {
    if (refused) setText((written) => written || refused);
  }, [refused]);

  function send() {
    if (!sendable) return;
    onSend(text.trim());
    setText("");
    area.current?.focus();
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      className="rounded-2xl border border-input bg-card shadow-sm transition-[border-color,box-shadow] focus-within:border-ring/70 focus-within:ring-[3px] focus-within:ring-ring/15"
    >
      <MessageArea
        ref={area}
        value={text}
        onChange={setText}
        onEnter={send}
        placeholder={t("chat.placeholder")}
        aria-label={t("chat.composer")}
        aria-description={t("chat.keys")}
        enterKeyHint="send"
        autoFocus={window.matchMedia("(hover: hover)").matches}
        className="text-base"
        data-testid="composer"
      />
      <div className="flex items-center justify-between gap-2 p-2 pt-1">
        <div className="min-w-0">{children}</div>
        {busy ? (
          <Button size="icon" className="rounded-full" aria-label={t("chat.stop")} onClick={onStop} data-testid="stop">
            <SquareIcon className="size-3.5 fill-current" />
          </Button>
        ) : (
          <Button
            type="submit"
            size="icon"
            className="rounded-full"
            aria-label={t("chat.send")}
            disabled={!sendable}
            data-testid="send"
          >
            <ArrowUpIcon className="size-5" />
          </Button>
        )}
      </div>
    </form>
  );
}

interface MessageAreaProps extends Omit<ComponentProps<"textarea">, "onChange" | "onKeyDown" | "ref" | "value"> {
  ref?: RefObject<HTMLTextAreaElement | null>;
  value: string;
  onChange: (text: string) => void;
  onEnter: () => void;
  onEscape?: () => void;
}

/** Grows with its text. Enter and Escape do nothing while an input method composes a syllable. */
export function MessageArea({ ref, value, onChange, onEnter, onEscape, className, ...props }: MessageAreaProps) {
  const own = useRef<HTMLTextAreaElement>(null);
  const area = ref ?? own;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    if (!area.current) return;
    area.current.style.height = "auto";
    area.current.style.height = `${area.current.scrollHeight}px`;
  }, [value]);

  function onKeyDown(event: KeyboardEvent) {
    const act = { Enter: event.shiftKey ? undefined : onEnter, Escape: onEscape }[event.key];
    if (!act || isComposing(event)) return;
    event.preventDefault();
    act();
  }

  return (
    <textarea
      ref={area}
      rows={1}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={onKeyDown}
      className={cn(
        "block max-h-[40dvh] w-full resize-none bg-transparent px-4 pt-3.5 pb-1 leading-relaxed outline-none placeholder:text-muted-foreground",
        className,
      )}
      {...props}
    />
  );
}

/** Safari ends the composition before the event of the key that ended it. That key has code 229. */
function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}
