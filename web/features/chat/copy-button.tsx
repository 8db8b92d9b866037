"use client";

import { CheckIcon, CopyIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { useLocale } from "@/features/locale/locale";
import { copyText } from "@/lib/clipboard";

/** Copies a text and says so for a moment. */
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
    <Button
      variant="ghost"
      size="icon-sm"
      className="size-7 text-muted-foreground [&_svg:not([class*='size-'])]:size-3.5"
      aria-label={said}
      title={said}
      onClick={() => copyText(text).then(setCopied)}
      data-testid="copy"
    >
      {copied ? <CheckIcon className="text-primary" /> : <CopyIcon />}
    </Button>
  );
}
