"use client";

import { CheckIcon, CopyIcon } from "lucide-react";
import { type ComponentProps, useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";

/** A small button at a message. */
export function IconButton({ label, className, ...props }: ComponentProps<typeof Button> & { label: string }) {
  return (
    <Button
      variant="ghost"
      size="icon-sm"
      className={cn("size-7 text-muted-foreground [&_svg:not([class*='size-'])]:size-3.5", className)}
      aria-label={label}
      title={label}
      {...props}
    />
  );
}

/** Copies a text and confirms it for a moment. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const { t } = useLocale();
  const [copied, setCopied] = useState(false);
  const said = copied ? t("chat.copied") : label;

  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [copied]);

  return (
    <IconButton label={said} onClick={() => copyText(text).then(setCopied)} data-testid="copy">
      {copied ? <CheckIcon className="text-primary" /> : <CopyIcon />}
    </IconButton>
  );
}

/** Copies a text to the clipboard. Returns false on failure. Plain HTTP pages need the old `execCommand`. */
async function copyText(text: string): Promise<boolean> {
  if (!navigator.clipboard) return copySelection(text);
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => copySelection(text),
  );
}

function copySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
