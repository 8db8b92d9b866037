"use client";

import { type FormEvent, type ReactNode, useState } from "react";
import { Alert } from "@/components/alert";
import { Button } from "@/components/ui/button";
import { type FormErrors, noErrors } from "@/features/auth/form-errors";
import { useLocale } from "@/features/locale/locale";
import { useErrorFocus } from "@/lib/use-error-focus";

interface Submission {
  errors: FormErrors;
  busy: boolean;
  /** Shows what is wrong before the server is asked. */
  refuse: (errors: FormErrors) => void;
  /** Saves; what the server says against it is shown as `explain` puts it. */
  save: (work: Promise<void>, explain: (error: unknown) => FormErrors) => Promise<void>;
}

/** What becomes of a form: the one who saves it closes it too. */
export function useSubmission(): Submission {
  const [errors, refuse] = useState(noErrors);
  const [busy, setBusy] = useState(false);

  async function save(work: Promise<void>, explain: (error: unknown) => FormErrors) {
    setBusy(true);
    refuse(noErrors);
    try {
      await work;
    } catch (error) {
      refuse(explain(error));
      setBusy(false);
    }
  }

  return { errors, busy, refuse, save };
}

interface FormFrameProps {
  /** Names the form for tests: `provider-form`, `save-provider`. */
  testId: string;
  submission: Submission;
  saveLabel: string;
  onSubmit: () => void;
  onCancel: () => void;
  children: ReactNode;
}

/** Fields below what is wrong with them as a whole, above the buttons. */
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
