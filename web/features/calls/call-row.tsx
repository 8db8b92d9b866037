"use client";

import {
  CheckIcon,
  ChevronRightIcon,
  CircleSlashIcon,
  LoaderCircleIcon,
  ShieldQuestionIcon,
  TriangleAlertIcon,
} from "lucide-react";
import { digestOf } from "@/features/calls/arguments";
import { CallDetails } from "@/features/calls/call-details";
import { OWN, toolTitle } from "@/features/calls/names";
import type { ToolCall } from "@/features/calls/tool-calls";
import type { TextKey } from "@/features/locale/catalogue";
import { useLocale } from "@/features/locale/locale";
import { cn } from "@/lib/cn";

const looks: Record<ToolCall["state"], { icon: typeof CheckIcon; text: TextKey; className?: string }> = {
  running: { icon: LoaderCircleIcon, text: "calls.running", className: "animate-spin" },
  waiting: { icon: ShieldQuestionIcon, text: "calls.waiting" },
  denied: { icon: CircleSlashIcon, text: "calls.denied" },
  unmade: { icon: CircleSlashIcon, text: "calls.unmade" },
  done: { icon: CheckIcon, text: "calls.done", className: "text-primary" },
  failed: { icon: TriangleAlertIcon, text: "calls.failed", className: "text-destructive" },
};

/** What is said in words to everybody; the icon says it to those who see it, and its label to those who do not. */
const worded: ToolCall["state"][] = ["denied", "unmade", "failed"];

export function StateIcon({ state }: { state: ToolCall["state"] }) {
  const { t } = useLocale();
  const { icon: Icon, text, className } = looks[state];
  return <Icon role="img" aria-label={t(text)} className={cn("size-4 shrink-0 text-muted-foreground", className)} />;
}

/** One call in a line; opened, it shows what went in and what came out. */
export function CallRow({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const { state, server, cached } = call;
  return (
    <li data-testid="tool" data-state={state}>
      <details className="group/call">
        <summary className="flex min-h-10 cursor-pointer list-none items-center gap-2.5 px-3 py-1.5 text-sm outline-none hover:bg-accent/60 focus-visible:ring-[3px] focus-visible:ring-ring/50 focus-visible:ring-inset [&::-webkit-details-marker]:hidden">
          <StateIcon state={state} />
          <span className="max-w-[60%] shrink-0 truncate font-medium">{toolTitle(t, call)}</span>
          {server && server !== OWN && (
            <span className="max-w-28 shrink-0 truncate text-muted-foreground text-xs">{server}</span>
          )}
          <span className="min-w-0 flex-1 truncate text-muted-foreground">{digestOf(call.arguments)}</span>
          {cached && <span className="shrink-0 text-muted-foreground text-xs">{t("calls.cached")}</span>}
          {worded.includes(state) && (
            <span aria-hidden="true" className={cn("shrink-0 text-muted-foreground text-xs", looks[state].className)}>
              {t(looks[state].text)}
            </span>
          )}
          <ChevronRightIcon className="size-4 shrink-0 text-muted-foreground transition-transform group-open/call:rotate-90" />
        </summary>
        <CallDetails call={call} />
      </details>
    </li>
  );
}
