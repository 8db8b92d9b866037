"use client";

import { ChevronRightIcon } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { cn } from "@/lib/cn";

interface FoldProps {
  title: string;
  /** One line below the title. */
  status: ReactNode;
  /** Beside the title, such as a switch. */
  aside?: ReactNode;
  children: ReactNode;
  /** Test id of the button. */
  testId: string;
}

/** An entry of a list that unfolds. */
export function Fold({ title, status, aside, children, testId }: FoldProps) {
  const id = useId();
  const [unfolded, setUnfolded] = useState(false);
  return (
    <>
      <div className={cn("flex items-center gap-1", aside !== undefined && "pr-3.5")}>
        <button
          type="button"
          aria-expanded={unfolded}
          aria-controls={id}
          onClick={() => setUnfolded(!unfolded)}
          className="flex min-h-14 min-w-0 flex-1 items-center gap-2.5 rounded-lg px-3 py-2 text-left outline-none focus-visible:ring-[3px] focus-visible:ring-ring/50"
          data-testid={testId}
        >
          <ChevronRightIcon
            className={cn("size-4 shrink-0 text-muted-foreground transition-transform", unfolded && "rotate-90")}
            aria-hidden="true"
          />
          <span className="min-w-0">
            <span className="block truncate font-medium text-sm">{title}</span>
            {status}
          </span>
        </button>
        {aside}
      </div>
      <div id={id} hidden={!unfolded} className="grid grid-cols-[minmax(0,1fr)] gap-3 border-t px-4 py-3.5 text-sm">
        {children}
      </div>
    </>
  );
}
