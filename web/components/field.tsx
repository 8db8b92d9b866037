import { type ComponentProps, useId } from "react";
import { Input } from "@/components/ui/input";
import { Label } from "@/components/ui/label";

interface FieldProps extends ComponentProps<typeof Input> {
  label: string;
  hint?: string;
  error?: string;
}

/** A labelled input with its hint and what is wrong with it. */
export function Field({ label, hint, error, ...input }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="grid gap-2">
      <Label htmlFor={id}>{label}</Label>
      <Input id={id} aria-invalid={Boolean(error)} aria-describedby={note ? `${id}-note` : undefined} {...input} />
      {note && (
        <p
          id={`${id}-note`}
          data-testid={error ? "field-error" : undefined}
          className={error ? "text-destructive text-sm" : "text-muted-foreground text-sm"}
        >
          {note}
        </p>
      )}
    </div>
  );
}
