"use client";

/** Forms: which fields are empty, which error belongs to which field, and how a form is sent. */

import { type RefObject, useEffect, useRef, useState } from "react";
import { ApiError } from "@/lib/api/problem";
import { describeError, type TextKey, type Translate } from "@/lib/locale/texts";

export interface FormErrors {
  form?: string;
  fields: Record<string, string>;
}

const noErrors: FormErrors = { fields: {} };

/** The page's own message for each field. It replaces the server's message, which is written for programs. */
export type Rules = Readonly<Record<string, TextKey>>;

/** Error codes about one field that the response does not list. */
const fieldOfCode: Record<string, string> = {
  "auth.username_taken": "username",
  "auth.email_taken": "email",
  "auth.invitation_invalid": "invitation",
  "server.name_taken": "name",
  "server.address": "url",
  "provider.name_taken": "name",
  "alias.name_taken": "name",
  "budget.exists": "subject",
};

const accountRules: Rules = {
  username: "auth.username_rule",
  email: "auth.email_rule",
  password: "auth.password_rule",
  new_password: "auth.password_rule",
};

export function formErrors(t: Translate, error: unknown, shown: string[], rules: Rules = accountRules): FormErrors {
  const text = describeError(t, error);
  if (!(error instanceof ApiError)) return { form: text, fields: {} };
  const field = fieldOfCode[error.code];
  if (field && shown.includes(field)) return { fields: { [field]: text } };
  const fields: Record<string, string> = {};
  const unplaced = error.errors.filter((each) => {
    const name = fieldAt(each.field, shown);
    if (name) fields[name] = rules[name] ? t(rules[name]) : each.detail;
    return !name;
  });
  return { form: unplaced[0] ? `${text} ${unplaced[0].detail}` : text, fields };
}

/** The shown field of a path in the request, such as `body.name`, or a path inside the field (`body.prices.small.input`). */
function fieldAt(path: string, shown: string[]): string | undefined {
  const place = path.replace(/^body\./, "");
  const within = shown.filter((name) => place === name || place.startsWith(`${name}.`));
  const closest = within.sort((one, other) => other.length - one.length)[0];
  return closest ?? shown.find((name) => name === place.split(".").at(-1));
}

/** The messages of empty fields, by field name. */
export function missingFields(t: Translate, values: Record<string, string>): Record<string, string> {
  const empty = Object.keys(values).filter((name) => !values[name]?.trim());
  return Object.fromEntries(empty.map((name) => [name, t("auth.required_field")]));
}

interface Submission {
  errors: FormErrors;
  busy: boolean;
  /** Shows errors that were found before sending. */
  refuse: (errors: FormErrors) => void;
  /** Waits for `work`. If it fails, shows the errors that `explain` makes of the failure. */
  save: (work: Promise<void>, explain: (error: unknown) => FormErrors) => Promise<void>;
}

/** The state of a form that is sent. The form stays busy after success, because its owner closes it. */
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

/** Focuses the first invalid field whenever errors change. Without one, scrolls to the error of the form. */
export function useErrorFocus(errors: object): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a repeated error moves the focus again
  useEffect(() => {
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (field) field.focus();
    else form.current?.querySelector('[role="alert"]')?.scrollIntoView({ block: "nearest" });
  }, [errors]);
  return form;
}

/** The number in a field, with or without thousands separators. Null means an empty field. */
export function numberOf(written: string): number | null {
  const plain = written.trim().replaceAll(",", "");
  if (plain === "") return null;
  const value = Number(plain);
  // The server rejects a text that isn't a number. NaN would become null in JSON, which means "no value".
  return Number.isNaN(value) ? (plain as unknown as number) : value;
}
