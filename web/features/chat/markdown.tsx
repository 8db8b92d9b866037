"use client";

import { Children, type ComponentProps, isValidElement, memo, type ReactNode } from "react";
import ReactMarkdown, { type Components, type ExtraProps } from "react-markdown";
import remarkGfm from "remark-gfm";
import { CopyButton } from "@/features/chat/icon-buttons";
import { markdownBlocks } from "@/features/chat/markdown-blocks";
import { useLocale } from "@/lib/locale/locale";

const plugins = [remarkGfm];

const components: Components = {
  pre: CodeBlock,
  a: ({ node: _, ...props }) => <a {...props} target="_blank" rel="noreferrer noopener" />,
  table: ({ node: _, ...props }) => (
    <div className="prose-table">
      <table {...props} />
    </div>
  ),
  img: ({ node: _, ...props }) => <ImageLink {...props} />,
};

/** The text of an answer. Raw HTML is shown as text. */
export function Markdown({ text, writing }: { text: string; writing: boolean }) {
  return (
    <div className="prose" data-writing={writing}>
      {markdownBlocks(text).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only ever added at the end
        <Block key={index} text={block} />
      ))}
    </div>
  );
}

const Block = memo(function Block({ text }: { text: string }) {
  return (
    <div className="prose-block">
      <ReactMarkdown remarkPlugins={plugins} components={components}>
        {text}
      </ReactMarkdown>
    </div>
  );
});

/** An image shows as a link, because loading its address could send parts of the chat elsewhere. */
function ImageLink({ src, alt }: ComponentProps<"img">) {
  const { t } = useLocale();
  const href = typeof src === "string" ? src : undefined;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {t("chat.image", { name: alt || href || "" })}
    </a>
  );
}

function CodeBlock({ children }: ComponentProps<"pre"> & ExtraProps) {
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
