"use client";

import type { ComponentProps } from "react";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";

/** One of the small buttons at a message. */
export function IconButton({ label, className, ...props }: ComponentProps<typeof Button> & { label: string }) {
  return (
    <Button
      variant="ghost"
      size="icon-sm"
      className={cn("size-7 text-muted-foreground [&_svg:not([class*='size-'])]:size-3.5", className)}
      aria-label={label}
      title={label}
      {...props}
    />
  );
}
