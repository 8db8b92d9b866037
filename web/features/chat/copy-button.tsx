"use client";

import { CheckIcon, CopyIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "@/features/chat/icon-button";
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
    <IconButton label={said} onClick={() => copyText(text).then(setCopied)} data-testid="copy">
      {copied ? <CheckIcon className="text-primary" /> : <CopyIcon />}
    </IconButton>
  );
}
