/** Which message of a failed form belongs to which field, and which to the form as a whole. */

import type { TextKey, Translate } from "@/features/locale/catalogue";
import { describeError } from "@/features/locale/errors";
import { ApiError } from "@/lib/api/problem";

export interface FormErrors {
  form?: string;
  fields: Record<string, string>;
}

export const noErrors: FormErrors = { fields: {} };

/** Codes that speak of one field without listing it. */
const fieldOfCode: Record<string, string> = {
  "auth.username_taken": "username",
  "auth.email_taken": "email",
  "auth.invitation_invalid": "invitation",
  "server.name_taken": "name",
  "server.address": "url",
};

/** What a field asks for, said in place of the server's own words, which are for programs. */
const ruleOf: Record<string, TextKey> = {
  username: "auth.username_rule",
  email: "auth.email_rule",
  password: "auth.password_rule",
  new_password: "auth.password_rule",
  name: "servers.name_rule",
  url: "servers.url_rule",
};

export function formErrors(t: Translate, error: unknown, shown: string[]): FormErrors {
  const text = describeError(t, error);
  if (!(error instanceof ApiError)) return { form: text, fields: {} };
  const field = fieldOfCode[error.code];
  if (field && shown.includes(field)) return { fields: { [field]: text } };
  const marked = Object.entries(error.fields).filter(([name]) => shown.includes(name));
  const fields = Object.fromEntries(marked.map(([name, detail]) => [name, ruleOf[name] ? t(ruleOf[name]) : detail]));
  const unplaced = error.errors.length > Object.keys(fields).length;
  return { form: unplaced && error.errors[0] ? `${text} ${error.errors[0].detail}` : text, fields };
}

/** Names of the fields that were left empty, each with its message. */
export function missingFields(t: Translate, values: Record<string, string>): Record<string, string> {
  const empty = Object.keys(values).filter((name) => !values[name]?.trim());
  return Object.fromEntries(empty.map((name) => [name, t("auth.required_field")]));
}
