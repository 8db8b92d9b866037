"use client";

import { Children, type ComponentProps, isValidElement, type ReactNode } from "react";
import type { ExtraProps } from "react-markdown";
import { CopyButton } from "@/features/chat/copy-button";
import { useLocale } from "@/features/locale/locale";

/** A fenced block with its language and a button that copies it. */
export function CodeBlock({ children }: ComponentProps<"pre"> & ExtraProps) {
  const { t } = useLocale();
  const { text, language } = codeOf(children);
  return (
    <div className="overflow-hidden rounded-lg border bg-code">
      <div className="flex h-9 items-center justify-between border-b pr-1 pl-3.5 text-muted-foreground text-xs">
        <span>{language ?? t("chat.code")}</span>
        <CopyButton text={text} label={t("chat.copy_code")} />
      </div>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        className="overflow-x-auto px-3.5 py-3 font-mono text-[0.8438rem] leading-relaxed outline-none focus-visible:ring-2 focus-visible:ring-ring/50 focus-visible:ring-inset"
      >
        <code className="break-normal [overflow-wrap:normal]">{text}</code>
      </pre>
    </div>
  );
}

function codeOf(children: ReactNode): { text: string; language: string | null } {
  const code = Children.toArray(children)[0];
  if (!isValidElement<{ className?: string; children?: ReactNode }>(code)) return { text: "", language: null };
  const language = /language-(\S+)/.exec(code.props.className ?? "")?.[1] ?? null;
  return { text: String(code.props.children ?? "").replace(/\n$/, ""), language };
}
