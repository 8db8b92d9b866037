"use client";

import { ChevronRightIcon } from "lucide-react";
import { ApprovalCard, type Decide } from "@/features/calls/approval-card";
import { CallRow, StateIcon } from "@/features/calls/call-row";
import { toolTitle } from "@/features/calls/names";
import type { ToolCall } from "@/features/calls/tool-calls";
import { useLocale } from "@/features/locale/locale";

/** So many rows are shown at once; more are folded into one. */
const SHOWN = 3;

/** Calls that were made one after the other, and those among them that ask first. */
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
