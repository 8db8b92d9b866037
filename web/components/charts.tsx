/** Small charts whose values are also texts. */

import { cn } from "@/lib/cn";

interface Column {
  key: string;
  /** What it stands for, in words. */
  text: string;
  /** From 0 to 1, beside the highest. */
  height: number;
  /** The part of it that is marked, from 0 to 1. */
  marked?: number;
}

interface ColumnsProps {
  label: string;
  columns: Column[];
}

/** Small columns side by side, such as one for each day; a list of texts to who does not see them. */
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
  /** What it shows, in words. */
  text: string;
  /** From 0 to 1; more is all of it. */
  share: number;
}

const NEARLY = 0.9;

/** A bar that fills up; nearly full, it warns. */
export function Meter({ label, text, share }: MeterProps) {
  const percent = Math.min(Math.max(share, 0), 1) * 100;
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers draw <meter> each in their own way, and let nobody style it
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
