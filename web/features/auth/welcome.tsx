"use client";

import { useSearchParams } from "next/navigation";
import { type FormEvent, useState } from "react";
import { Alert } from "@/components/alert";
import { Field, PasswordField } from "@/components/form";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import { signIn, useAuth } from "@/features/auth/auth";
import { SignUpForm } from "@/features/auth/sign-up-form";
import { formErrors, missingFields, useSubmission } from "@/lib/forms";
import { useLocale } from "@/lib/locale/locale";
import { localeNames } from "@/lib/locale/texts";

/** Sign-in and registration. A link with `?invitation=` opens the registration. */
export function Welcome() {
  const { t, locale, setLocale } = useLocale();
  const invitation = useSearchParams().get("invitation") ?? "";
  const [mode, setMode] = useState<"sign-in" | "sign-up">(invitation ? "sign-up" : "sign-in");
  const signingIn = mode === "sign-in";
  const other = locale === "ko" ? "en" : "ko";

  return (
    <div className="flex min-h-dvh flex-col bg-sidebar">
      <main className="m-auto w-full max-w-[25rem] px-4 py-10">
        <div className="mb-7 flex flex-col items-center gap-4 text-center">
          <Logo className="size-12" />
          <div>
            <h1 className="font-semibold text-2xl tracking-tight">
              {t(signingIn ? "auth.sign_in_title" : "auth.sign_up_title")}
            </h1>
            <p className="mt-1 text-muted-foreground text-sm">{`${t("app.name")} · ${t("app.tagline")}`}</p>
          </div>
        </div>
        <div className="rounded-xl border bg-card p-6 shadow-sm">
          {signingIn ? <SignInForm /> : <SignUpForm invitation={invitation} />}
        </div>
        <p className="mt-5 flex items-center justify-center gap-2 text-muted-foreground text-sm">
          {t(signingIn ? "auth.to_sign_up" : "auth.to_sign_in")}
          <Button
            variant="link"
            size="inline"
            onClick={() => setMode(signingIn ? "sign-up" : "sign-in")}
            data-testid={signingIn ? "to-signup" : "to-signin"}
          >
            {t(signingIn ? "auth.sign_up" : "auth.sign_in")}
          </Button>
        </p>
      </main>
      <footer className="flex justify-center pb-6">
        <Button
          variant="ghost"
          size="sm"
          lang={other}
          className="text-muted-foreground"
          onClick={() => setLocale(other)}
          data-testid="language"
        >
          {localeNames[other]}
        </Button>
      </footer>
    </div>
  );
}

function SignInForm() {
  const { t } = useLocale();
  const { enter } = useAuth();
  const [values, setValues] = useState({ username: "", password: "" });
  const { errors, busy, refuse, save } = useSubmission();

  function submit(event: FormEvent) {
    event.preventDefault();
    const missing = missingFields(t, values);
    if (Object.keys(missing).length) return refuse({ fields: missing });
    save(signInAs(values), (error) => formErrors(t, error, Object.keys(values)));
  }

  async function signInAs({ username, password }: typeof values) {
    enter((await signIn({ username: username.trim(), password })).user);
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
