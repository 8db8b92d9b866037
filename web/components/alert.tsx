import { CircleAlertIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

export function Alert({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <div
      role="alert"
      data-testid="error"
      className={cn(
        "flex items-start gap-2.5 rounded-md bg-destructive-soft px-3.5 py-2.5 text-destructive text-sm",
        className,
      )}
    >
      <CircleAlertIcon className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
      <div className="min-w-0">{children}</div>
    </div>
  );
}
