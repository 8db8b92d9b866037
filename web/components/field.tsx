import { type ComponentProps, type ReactNode, useId } from "react";
import { Input } from "@/components/ui/input";
import { Label } from "@/components/ui/label";
import { NativeSelect } from "@/components/ui/native-select";
import { Textarea } from "@/components/ui/textarea";

interface Labelled {
  label: string;
  hint?: string;
  error?: string;
}

/** A labelled input with its hint and what is wrong with it. */
export function Field({ label, hint, error, ...input }: Labelled & ComponentProps<typeof Input>) {
  return <Frame {...{ label, hint, error }}>{(aria) => <Input {...aria} {...input} />}</Frame>;
}

/** The same for a text of many lines. */
export function TextField({ label, hint, error, ...area }: Labelled & ComponentProps<typeof Textarea>) {
  return <Frame {...{ label, hint, error }}>{(aria) => <Textarea {...aria} {...area} />}</Frame>;
}

/** The same for one of few values. */
export function ChoiceField({ label, hint, error, ...select }: Labelled & ComponentProps<typeof NativeSelect>) {
  return <Frame {...{ label, hint, error }}>{(aria) => <NativeSelect {...aria} {...select} />}</Frame>;
}

interface Aria {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

function Frame({ label, hint, error, children }: Labelled & { children: (aria: Aria) => ReactNode }) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="grid gap-2">
      <Label htmlFor={id}>{label}</Label>
      {children({ id, "aria-invalid": Boolean(error), "aria-describedby": note ? `${id}-note` : undefined })}
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
