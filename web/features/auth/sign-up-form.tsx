"use client";

import { type ChangeEvent, type FormEvent, useState } from "react";
import { Alert } from "@/components/alert";
import { Field, PasswordField } from "@/components/form";
import { Button } from "@/components/ui/button";
import { register, useAuth } from "@/features/auth/auth";
import { ApiError } from "@/lib/api/problem";
import { formErrors, missingFields, useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";

/** The extra field: hidden, an invitation code, or the set-up token of the first account. */
type Admission = "none" | "invitation" | "setup-token";

const admissionOf: Record<string, Admission> = {
  "auth.setup_token_required": "setup-token",
  "auth.invitation_required": "invitation",
};

export function SignUpForm({ invitation }: { invitation: string }) {
  const { t } = useLocale();
  const { enter } = useAuth();
  const [values, setValues] = useState({ username: "", email: "", password: "", invitation });
  const [admission, setAdmission] = useState<Admission>(invitation ? "invitation" : "none");
  const { errors, busy, refuse, save } = useSubmission();

  const set = (event: ChangeEvent<HTMLInputElement>) =>
    setValues({ ...values, [event.target.name]: event.target.value });

  function submit(event: FormEvent) {
    event.preventDefault();
    const { invitation: _, ...required } = values;
    const missing = missingFields(t, required);
    if (Object.keys(missing).length) return refuse({ fields: missing });
    save(signUp(), (error) => {
      if (error instanceof ApiError) setAdmission(admissionOf[error.code] ?? admission);
      return formErrors(t, error, Object.keys(values));
    });
  }

  async function signUp() {
    const { invitation: code, ...account } = values;
    enter((await register({ ...account, ...(code.trim() && { invitation: code.trim() }) })).user);
  }

  return (
    <form onSubmit={submit} noValidate className="grid gap-5">
      {errors.form && <Alert>{errors.form}</Alert>}
      <Field
        label={t("auth.username")}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        value={values.username}
        error={errors.fields.username}
        onChange={set}
        data-testid="username"
      />
      <Field
        label={t("auth.email")}
        name="email"
        type="email"
        autoComplete="email"
        value={values.email}
        error={errors.fields.email}
        onChange={set}
        data-testid="email"
      />
      <PasswordField
        label={t("auth.password")}
        hint={t("auth.password_rule")}
        autoComplete="new-password"
        value={values.password}
        error={errors.fields.password}
        onChange={set}
      />
      {admission === "none" ? (
        <Button
          variant="link"
          size="inline"
          className="justify-self-start"
          onClick={() => setAdmission("invitation")}
          data-testid="show-invitation"
        >
          {t("auth.have_invitation")}
        </Button>
      ) : (
        <Field
          label={t(admission === "setup-token" ? "auth.setup_token" : "auth.invitation")}
          hint={admission === "setup-token" ? t("auth.setup_token_hint") : undefined}
          name="invitation"
          autoComplete="off"
          spellCheck={false}
          value={values.invitation}
          error={errors.fields.invitation}
          onChange={set}
          data-testid="invitation"
        />
      )}
      <Button type="submit" disabled={busy} data-testid="submit">
        {t("auth.sign_up")}
      </Button>
    </form>
  );
}
