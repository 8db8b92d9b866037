import { cn } from "@/lib/cn";

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
