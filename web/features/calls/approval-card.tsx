"use client";

import { ShieldQuestionIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { ArgumentsForm, useArguments } from "@/features/calls/arguments-form";
import type { ToolCall } from "@/features/calls/tool-calls";
import { OWN, toolTitle } from "@/features/calls/tool-names";
import { ApiError } from "@/lib/api/problem";
import type { ApprovalDecision } from "@/lib/api/types";
import { useLocale } from "@/lib/locale/locale";
import { describeError } from "@/lib/locale/texts";

export type Decide = (decision: ApprovalDecision) => Promise<void>;

const choices = [
  { decision: "once", variant: "default", text: "calls.once", className: "max-sm:h-10" },
  {
    decision: "chat",
    variant: "outline",
    text: "calls.always",
    className: "max-sm:order-1 max-sm:col-span-2 max-sm:h-10",
  },
  { decision: "deny", variant: "outline", text: "calls.deny", className: "max-sm:h-10" },
] as const;

/** A call that waits for an approval: its arguments, and the buttons that allow or deny it. */
export function ApprovalCard({ call, onDecide }: { call: ToolCall; onDecide: Decide }) {
  const { t } = useLocale();
  const form = useArguments(call);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const title = toolTitle(t, call);

  async function decide(decision: ApprovalDecision["decision"]) {
    const edited = decision === "deny" ? {} : form.read();
    if (!edited) return;
    setBusy(true);
    setError(null);
    try {
      await onDecide({ call_id: call.callId, decision, ...edited });
    } catch (failure) {
      setError(failure);
      setBusy(false);
      if (failure instanceof ApiError) form.mark(failure.errors);
    }
  }

  return (
    <section
      aria-label={t("calls.ask", { tool: title })}
      className="grid gap-4 rounded-xl border border-ring/50 bg-card p-4 shadow-sm"
      data-testid="approval"
    >
      <header className="flex items-start gap-3">
        <span className="grid size-9 shrink-0 place-items-center rounded-full bg-primary/12 text-primary">
          <ShieldQuestionIcon className="size-5" aria-hidden="true" />
        </span>
        <div className="min-w-0">
          <h3 className="font-semibold text-[0.9688rem]">{t("calls.ask", { tool: title })}</h3>
          <p className="text-muted-foreground text-sm">
            {call.server === OWN ? t("calls.own") : t("calls.outside", { server: call.server })}
          </p>
        </div>
      </header>
      <ArgumentsForm form={form} disabled={busy} />
      {error !== null && <Alert>{describeError(t, error)}</Alert>}
      <div className="grid grid-cols-2 items-center gap-2 sm:flex">
        {choices.map(({ decision, variant, text, className }) => (
          <Button
            key={decision}
            size="sm"
            variant={variant}
            className={className}
            disabled={busy}
            onClick={() => decide(decision)}
            data-testid={`approve-${decision}`}
          >
            {t(text)}
          </Button>
        ))}
        {call.asks && <Expiry at={call.asks.expiresAt} />}
      </div>
    </section>
  );
}

const TICK_MS = 20_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The time until the approval expires. */
function Expiry({ at }: { at: string }) {
  const { t, locale } = useLocale();
  const [now, setNow] = useState(Date.now);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);

  const left = Date.parse(at) - now;
  const format = new Intl.RelativeTimeFormat(locale);
  const when =
    left >= HOUR_MS
      ? format.format(Math.round(left / HOUR_MS), "hour")
      : format.format(Math.max(1, Math.round(left / MINUTE_MS)), "minute");
  return (
    <p className="order-2 col-span-2 text-center text-muted-foreground text-xs sm:ml-auto">
      <time dateTime={at}>{left > 0 ? t("calls.expires", { when }) : t("calls.expired")}</time>
    </p>
  );
}
