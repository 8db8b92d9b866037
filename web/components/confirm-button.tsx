"use client";

import { type ComponentProps, useState } from "react";
import { Button } from "@/components/ui/button";

interface ConfirmButtonProps extends ComponentProps<typeof Button> {
  label: string;
  /** What the button says once it was pressed; pressed again, it acts. */
  question: string;
  onConfirm: () => void;
}

/** A button for what can't be undone: it asks once, and forgets the question when one turns elsewhere. */
export function ConfirmButton({ label, question, onConfirm, ...props }: ConfirmButtonProps) {
  const [asked, setAsked] = useState(false);

  return (
    <Button
      variant={asked ? "destructive" : "ghost"}
      size="sm"
      aria-live="polite"
      onBlur={() => setAsked(false)}
      onClick={() => {
        setAsked(!asked);
        if (asked) onConfirm();
      }}
      {...props}
    >
      {asked ? question : label}
    </Button>
  );
}
