"use client";

import { PlusIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { describeError } from "@/features/locale/errors";
import { useLocale } from "@/features/locale/locale";

interface PanelProps {
  hint: string;
  /** Why there is nothing to show, or null. */
  error: unknown;
  loading: boolean;
  children: ReactNode;
}

/** One part of the administration: what it is for, then what there is. */
export function Panel({ hint, error, loading, children }: PanelProps) {
  const { t } = useLocale();
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4" aria-busy={loading && error === null}>
      <p className="text-muted-foreground text-sm">{hint}</p>
      {error !== null && <Alert>{describeError(t, error)}</Alert>}
      {!loading && children}
    </div>
  );
}

/** Opens the form for another one. */
export function AddButton({ label, ...props }: { label: string } & ComponentProps<typeof Button>) {
  return (
    <Button variant="outline" className="justify-self-start" {...props}>
      <PlusIcon />
      {label}
    </Button>
  );
}

/** Says that there is nothing yet. */
export function Empty({ children }: { children: ReactNode }) {
  return (
    <p className="rounded-lg border border-dashed px-4 py-6 text-center text-muted-foreground text-sm">{children}</p>
  );
}
