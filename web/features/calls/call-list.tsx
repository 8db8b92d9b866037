"use client";

import {
  CheckIcon,
  ChevronRightIcon,
  CircleSlashIcon,
  LoaderCircleIcon,
  ShieldQuestionIcon,
  TriangleAlertIcon,
} from "lucide-react";
import type { ReactNode } from "react";
import { ApprovalCard, type Decide } from "@/features/calls/approval-card";
import { digestOf, objectOf, textOf } from "@/features/calls/arguments";
import type { ToolCall } from "@/features/calls/tool-calls";
import { OWN, toolTitle } from "@/features/calls/tool-names";
import { cn } from "@/lib/cn";
import { useLocale } from "@/lib/locale/locale";
import type { TextKey } from "@/lib/locale/texts";

/** More rows than this are folded into one. */
const SHOWN = 3;

/** Consecutive calls of an answer. Waiting calls follow as approval cards. */
export function CallList({ calls, onDecide }: { calls: ToolCall[]; onDecide: Decide }) {
  const waiting = calls.filter((each) => each.state === "waiting");
  const others = calls.filter((each) => each.state !== "waiting");
  return (
    <div className="grid gap-2.5">
      {others.length > SHOWN ? <FoldedRows calls={others} /> : <Rows calls={others} />}
      {waiting.map((call) => (
        <ApprovalCard key={call.callId} call={call} onDecide={onDecide} />
      ))}
    </div>
  );
}

function Rows({ calls }: { calls: ToolCall[] }) {
  if (calls.length === 0) return null;
  return (
    <ul className="divide-y overflow-hidden rounded-lg border">
      {calls.map((call) => (
        <CallRow key={call.callId} call={call} />
      ))}
    </ul>
  );
}

function FoldedRows({ calls }: { calls: ToolCall[] }) {
  const { t } = useLocale();
  const shown = calls.findLast((each) => each.state === "running") ?? calls.find((each) => each.state === "failed");
  const names = [...new Set(calls.map((each) => toolTitle(t, each)))].join(", ");
  return (
    <details className="group/fold overflow-hidden rounded-lg border" data-testid="tools-folded">
      <summary className="flex min-h-10 cursor-pointer list-none items-center gap-2.5 px-3 py-1.5 text-sm outline-none hover:bg-accent/60 focus-visible:ring-[3px] focus-visible:ring-ring/50 focus-visible:ring-inset [&::-webkit-details-marker]:hidden">
        <StateIcon state={shown?.state ?? "done"} />
        <span className="shrink-0 font-medium">{t("calls.count", { count: calls.length })}</span>
        <span className="min-w-0 flex-1 truncate text-muted-foreground">{names}</span>
        <ChevronRightIcon className="size-4 shrink-0 text-muted-foreground transition-transform group-open/fold:rotate-90" />
      </summary>
      <ul className="divide-y border-t">
        {calls.map((call) => (
          <CallRow key={call.callId} call={call} />
        ))}
      </ul>
    </details>
  );
}

const looks: Record<ToolCall["state"], { icon: typeof CheckIcon; text: TextKey; className?: string }> = {
  running: { icon: LoaderCircleIcon, text: "calls.running", className: "animate-spin" },
  waiting: { icon: ShieldQuestionIcon, text: "calls.waiting" },
  denied: { icon: CircleSlashIcon, text: "calls.denied" },
  unmade: { icon: CircleSlashIcon, text: "calls.unmade" },
  done: { icon: CheckIcon, text: "calls.done", className: "text-primary" },
  failed: { icon: TriangleAlertIcon, text: "calls.failed", className: "text-destructive" },
};

/** States with a visible text. The icon and its label show the others. */
const worded: ToolCall["state"][] = ["denied", "unmade", "failed"];

function StateIcon({ state }: { state: ToolCall["state"] }) {
  const { t } = useLocale();
  const { icon: Icon, text, className } = looks[state];
  return <Icon role="img" aria-label={t(text)} className={cn("size-4 shrink-0 text-muted-foreground", className)} />;
}

function CallRow({ call }: { call: ToolCall }) {
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

/** Arguments of a call, and the start of its result. */
function CallDetails({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const given = Object.entries(call.arguments);
  return (
    <div className="grid gap-3 border-t bg-muted/50 px-3 py-3 text-sm">
      <Part title={t("calls.arguments")}>
        {given.length === 0 ? (
          <p className="text-muted-foreground">{t("calls.no_arguments")}</p>
        ) : (
          <dl className="grid gap-x-3 gap-y-1 sm:grid-cols-[max-content_minmax(0,1fr)]">
            {given.map(([name, value]) => (
              <div key={name} className="contents">
                <dt className="pt-px font-mono text-[0.8125rem] text-muted-foreground">{name}</dt>
                <dd className="max-h-48 overflow-y-auto whitespace-pre-wrap max-sm:pb-1">{textOf(value)}</dd>
              </div>
            ))}
          </dl>
        )}
      </Part>
      {call.preview && (
        <Part title={t(call.state === "failed" ? "calls.error" : "calls.result")}>
          <pre
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
            tabIndex={0}
            className="max-h-60 overflow-y-auto whitespace-pre-wrap font-mono text-[0.8125rem] leading-relaxed outline-none focus-visible:ring-2 focus-visible:ring-ring/50"
          >
            {laidOut(call.preview)}
          </pre>
        </Part>
      )}
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="grid min-w-0 gap-1">
      <h3 className="text-muted-foreground text-xs">{title}</h3>
      {children}
    </section>
  );
}

/** Indents a JSON object. A truncated one stays unchanged. */
function laidOut(text: string): string {
  const value = objectOf(text);
  return value ? JSON.stringify(value, null, 2) : text;
}
