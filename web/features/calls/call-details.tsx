"use client";

import type { ReactNode } from "react";
import { objectOf, textOf } from "@/features/calls/arguments";
import type { ToolCall } from "@/features/calls/tool-calls";
import { useLocale } from "@/features/locale/locale";

/** The arguments of a call, and the beginning of what came of it. */
export function CallDetails({ call }: { call: ToolCall }) {
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

/** A whole JSON object is easier to read in lines; one that was cut short is left as it is. */
function laidOut(text: string): string {
  const value = objectOf(text);
  return value ? JSON.stringify(value, null, 2) : text;
}
