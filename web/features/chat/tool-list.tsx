"use client";

import { CheckIcon, LoaderCircleIcon, TriangleAlertIcon } from "lucide-react";
import type { ToolUse } from "@/features/chat/stream";
import type { TextKey } from "@/features/locale/catalogue";
import { useLocale } from "@/features/locale/locale";

const looks: Record<ToolUse["state"], { icon: typeof CheckIcon; text: TextKey; className?: string }> = {
  running: { icon: LoaderCircleIcon, text: "chat.tool_running", className: "animate-spin" },
  done: { icon: CheckIcon, text: "chat.tool_done" },
  failed: { icon: TriangleAlertIcon, text: "chat.tool_failed" },
};

/** The tools that an answer used, or is using. */
export function ToolList({ tools }: { tools: ToolUse[] }) {
  const { t } = useLocale();
  if (tools.length === 0) return null;
  return (
    <ul className="mb-3 flex flex-wrap gap-1.5">
      {tools.map(({ callId, name, state }) => {
        const { icon: Icon, text, className } = looks[state];
        return (
          <li
            key={callId}
            className="flex items-center gap-1.5 rounded-full border px-2.5 py-0.5 text-muted-foreground text-xs"
            data-testid="tool"
            data-state={state}
          >
            <Icon className={`size-3.5 ${className ?? ""}`} aria-hidden="true" />
            {t(text, { name })}
          </li>
        );
      })}
    </ul>
  );
}
