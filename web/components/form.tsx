"use client";

import { EyeIcon, EyeOffIcon } from "lucide-react";
import { type ComponentProps, type FormEvent, type ReactNode, useId, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Label } from "@/components/ui/label";
import { NativeSelect } from "@/components/ui/native-select";
import { Textarea } from "@/components/ui/textarea";
import { useErrorFocus, type useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";

interface Labelled {
  label: string;
  hint?: string;
  error?: string;
}

/** A labelled input. An error replaces its hint. */
export function Field({ label, hint, error, ...input }: Labelled & ComponentProps<typeof Input>) {
  return <Frame {...{ label, hint, error }}>{(aria) => <Input {...aria} {...input} />}</Frame>;
}

export function TextField({ label, hint, error, ...area }: Labelled & ComponentProps<typeof Textarea>) {
  return <Frame {...{ label, hint, error }}>{(aria) => <Textarea {...aria} {...area} />}</Frame>;
}

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

export function PasswordField(props: ComponentProps<typeof Field>) {
  const { t } = useLocale();
  const [shown, setShown] = useState(false);
  return (
    <div className="relative">
      <Field name="password" data-testid="password" {...props} type={shown ? "text" : "password"} className="pr-11" />
      <button
        type="button"
        aria-label={t("auth.show_password")}
        aria-pressed={shown}
        onClick={() => setShown(!shown)}
        className="absolute top-[1.6rem] right-1 grid size-8 place-items-center rounded-sm text-muted-foreground outline-none hover:text-foreground focus-visible:ring-[3px] focus-visible:ring-ring/50 [&_svg]:size-4"
      >
        {shown ? <EyeOffIcon /> : <EyeIcon />}
      </button>
    </div>
  );
}

interface FormFrameProps {
  /** Prefix of the test ids, such as `provider-form` and `save-provider`. */
  testId: string;
  submission: ReturnType<typeof useSubmission>;
  saveLabel: string;
  onSubmit: () => void;
  onCancel: () => void;
  children: ReactNode;
}

/** A bordered form: the error of the form, its fields, then "Cancel" and "Save". */
export function FormFrame({ testId, submission, saveLabel, onSubmit, onCancel, children }: FormFrameProps) {
  const { t } = useLocale();
  const { errors, busy } = submission;
  const form = useErrorFocus(errors);

  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit();
  }

  return (
    <form
      ref={form}
      onSubmit={submit}
      noValidate
      className="grid grid-cols-[minmax(0,1fr)] gap-5 rounded-lg border p-4"
      data-testid={`${testId}-form`}
    >
      {errors.form && <Alert>{errors.form}</Alert>}
      {children}
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={onCancel}>
          {t("app.cancel")}
        </Button>
        <Button type="submit" disabled={busy} data-testid={`save-${testId}`}>
          {saveLabel}
        </Button>
      </div>
    </form>
  );
}
