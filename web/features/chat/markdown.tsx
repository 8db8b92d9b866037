"use client";

import { type ComponentProps, memo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { markdownBlocks } from "@/features/chat/blocks";
import { CodeBlock } from "@/features/chat/code-block";
import { useLocale } from "@/features/locale/locale";

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

/** An answer's text; raw HTML in it is shown as text, never run. */
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

/** An image's address may carry the conversation away: it is loaded by whoever follows the link, never by itself. */
function ImageLink({ src, alt }: ComponentProps<"img">) {
  const { t } = useLocale();
  const href = typeof src === "string" ? src : undefined;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {t("chat.image", { name: alt || href || "" })}
    </a>
  );
}
