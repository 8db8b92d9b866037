/** Small charts whose values are also texts. */

import { cn } from "@/lib/cn";

interface Column {
  key: string;
  /** Text for tooltips and screen readers. */
  text: string;
  /** From 0 to 1, relative to the highest column. */
  height: number;
  /** The marked part of the column, from 0 to 1. */
  marked?: number;
}

interface ColumnsProps {
  label: string;
  columns: Column[];
}

/** Small columns, such as one per day. Screen readers get a list of texts. */
export function Columns({ label, columns }: ColumnsProps) {
  return (
    <ol aria-label={label} className="flex h-14 items-end gap-px border-b" data-testid="columns">
      {columns.map(({ key, text, height, marked = 1 }) => (
        <li key={key} title={text} className="flex h-full min-w-0 flex-1 flex-col justify-end hover:bg-accent">
          <span className="sr-only">{text}</span>
          <span
            aria-hidden="true"
            className="flex flex-col justify-end overflow-hidden rounded-t-[2px] bg-primary/25"
            style={{ height: `${height * 100}%` }}
          >
            <span className="bg-primary" style={{ height: `${marked * 100}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}

interface MeterProps {
  label: string;
  /** Text for screen readers. */
  text: string;
  /** From 0 to 1. Larger values show a full bar. */
  share: number;
}

const NEARLY = 0.9;

/** A bar that changes its colour when it is nearly full. */
export function Meter({ label, text, share }: MeterProps) {
  const percent = Math.min(Math.max(share, 0), 1) * 100;
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers draw <meter> differently and can't style it
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
      aria-valuetext={text}
      className="h-2 overflow-hidden rounded-full bg-foreground/10"
    >
      <div
        className={cn("h-full rounded-full", share >= NEARLY ? "bg-destructive" : "bg-primary")}
        style={{ width: `${percent}%` }}
      />
    </div>
  );
}
