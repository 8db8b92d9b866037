"use client";

/** Forms: what is missing, which error belongs to which field, and sending. */

import { type RefObject, useEffect, useRef } from "react";
import { ApiError } from "@/lib/api/problem";
import { describeError, type TextKey, type Translate } from "@/lib/locale/texts";

export interface FormErrors {
  form?: string;
  fields: Record<string, string>;
}

export const noErrors: FormErrors = { fields: {} };

/** What fields ask for, said in place of the server's own words, which are for programs. */
export type Rules = Readonly<Record<string, TextKey>>;

/** Codes that speak of one field without listing it. */
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

/** The shown field that the server means, which names it by its path, or by one into it (`body.prices.small.input`). */
function fieldAt(path: string, shown: string[]): string | undefined {
  const place = path.replace(/^body\./, "");
  const within = shown.filter((name) => place === name || place.startsWith(`${name}.`));
  const closest = within.sort((one, other) => other.length - one.length)[0];
  return closest ?? shown.find((name) => name === place.split(".").at(-1));
}

/** Names of the fields that were left empty, each with its message. */
export function missingFields(t: Translate, values: Record<string, string>): Record<string, string> {
  const empty = Object.keys(values).filter((name) => !values[name]?.trim());
  return Object.fromEntries(empty.map((name) => [name, t("auth.required_field")]));
}

/** Leads to the first field of a form that is wrong, else to what is said of the form, whenever errors are found. */
export function useErrorFocus(errors: object): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each finding counts, also one like the last
  useEffect(() => {
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (field) field.focus();
    else form.current?.querySelector('[role="alert"]')?.scrollIntoView({ block: "nearest" });
  }, [errors]);
  return form;
}

/** The number that is written in a field, or null where nothing is. */
export function numberOf(written: string): number | null {
  const plain = written.trim().replaceAll(",", "");
  if (plain === "") return null;
  const value = Number(plain);
  // What is no number goes to the server as it is, which says so; as JSON, NaN would be null and mean something else.
  return Number.isNaN(value) ? (plain as unknown as number) : value;
}
