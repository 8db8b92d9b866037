"use client";

import { type FormEvent, useState } from "react";
import { Alert } from "@/components/alert";
import { Field } from "@/components/field";
import { Button } from "@/components/ui/button";
import { signIn } from "@/features/auth/api";
import { useAuth } from "@/features/auth/auth";
import { formErrors, missingFields, noErrors } from "@/features/auth/form-errors";
import { PasswordField } from "@/features/auth/password-field";
import { useLocale } from "@/features/locale/locale";

export function SignInForm() {
  const { t } = useLocale();
  const { enter } = useAuth();
  const [values, setValues] = useState({ username: "", password: "" });
  const [errors, setErrors] = useState(noErrors);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const missing = missingFields(t, values);
    if (Object.keys(missing).length) return setErrors({ fields: missing });
    setBusy(true);
    setErrors(noErrors);
    try {
      enter((await signIn({ ...values, username: values.username.trim() })).user);
    } catch (error) {
      setErrors(formErrors(t, error, Object.keys(values)));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={submit} noValidate className="grid gap-5">
      {errors.form && <Alert>{errors.form}</Alert>}
      <Field
        label={t("auth.login_name")}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        value={values.username}
        error={errors.fields.username}
        onChange={(event) => setValues({ ...values, username: event.target.value })}
        data-testid="username"
      />
      <PasswordField
        label={t("auth.password")}
        autoComplete="current-password"
        value={values.password}
        error={errors.fields.password}
        onChange={(event) => setValues({ ...values, password: event.target.value })}
      />
      <Button type="submit" disabled={busy} data-testid="submit">
        {t("auth.sign_in")}
      </Button>
    </form>
  );
}
