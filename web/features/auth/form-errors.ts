/** Which message of a failed form belongs to which field, and which to the form as a whole. */

import type { TextKey, Translate } from "@/features/locale/catalogue";
import { describeError } from "@/features/locale/errors";
import { ApiError } from "@/lib/api/problem";

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
