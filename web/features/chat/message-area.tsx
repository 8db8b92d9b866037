"use client";

import { type ComponentProps, type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from "react";
import { cn } from "@/lib/cn";

interface MessageAreaProps extends Omit<ComponentProps<"textarea">, "onChange" | "onKeyDown" | "ref" | "value"> {
  ref?: RefObject<HTMLTextAreaElement | null>;
  value: string;
  onChange: (text: string) => void;
  onEnter: () => void;
  onEscape?: () => void;
}

/** Grows with its text. Enter and Escape do nothing while an input method is still composing a syllable. */
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

/** Safari ends the composition before it tells of the key that ended it; that key has code 229. */
function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}
