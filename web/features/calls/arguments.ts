/** The arguments of a call as a form: one field each if the schema is flat, else one JSON text. */

import type { FieldError } from "@/lib/api/types";

export type Arguments = Record<string, unknown>;
type Schema = Record<string, unknown>;

export interface ArgumentField {
  name: string;
  label: string;
  about: string | null;
  kind: "text" | "number" | "integer" | "boolean" | "choice";
  choices: string[];
  required: boolean;
}

/** The texts of the fields, by name. */
export type Written = Record<string, string>;
export type Problem = "calls.not_json" | "calls.not_number" | "calls.not_integer";

const scalars = ["string", "number", "integer", "boolean"];

/** The fields of a schema. Null if an argument isn't one plain value, or isn't in the schema. */
export function fieldsOf(schema: Schema, given: Arguments): ArgumentField[] | null {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const required = new Set(Array.isArray(schema.required) ? (schema.required as string[]) : []);
  const known = new Set(properties.map(([name]) => name));
  if (!Object.keys(given).every((name) => known.has(name))) return null;
  const fields = properties.map(([name, property]) => fieldOf(name, property, required.has(name)));
  return fields.some((field) => field === null) ? null : (fields as ArgumentField[]);
}

function fieldOf(name: string, property: Schema, required: boolean): ArgumentField | null {
  const plain = withoutNull(property);
  const choices = Array.isArray(plain.enum) ? plain.enum : [];
  if (typeof plain.type !== "string" || !scalars.includes(plain.type)) return null;
  if (!choices.every((each) => typeof each === "string")) return null;
  const about = typeof property.description === "string" ? property.description : null;
  const kind = choices.length ? "choice" : plain.type === "string" ? "text" : (plain.type as ArgumentField["kind"]);
  return { name, label: name.replaceAll("_", " "), about, kind, choices, required };
}

/** Schemas often declare an optional value as `T | null`. */
function withoutNull(property: Schema): Schema {
  const options = Array.isArray(property.anyOf) ? (property.anyOf as Schema[]) : [property];
  const rest = options.filter((each) => each.type !== "null");
  return (rest.length === 1 && rest[0]) || {};
}

export function writtenOf(fields: ArgumentField[], given: Arguments): Written {
  return Object.fromEntries(fields.map(({ name }) => [name, textOf(given[name])]));
}

export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** The arguments of the fields. An unchanged field keeps its given value exactly. */
export function argumentsOf(
  fields: ArgumentField[],
  written: Written,
  given: Arguments,
): { given: Arguments; problems: Record<string, Problem> } {
  const before = writtenOf(fields, given);
  const said: Arguments = {};
  const problems: Record<string, Problem> = {};
  for (const field of fields) {
    const { name } = field;
    const text = written[name] ?? "";
    if (text === before[name]) {
      if (name in given) said[name] = given[name];
      continue;
    }
    if (text === "" && !field.required) continue;
    const problem = problemOf(field, text);
    if (problem) problems[name] = problem;
    else said[name] = field.kind === "text" || field.kind === "choice" ? text : JSON.parse(text.trim());
  }
  return { given: said, problems };
}

function problemOf({ kind }: ArgumentField, text: string): Problem | null {
  if (kind === "number" && !isNumber(text)) return "calls.not_number";
  if (kind === "integer" && !/^-?\d+$/.test(text.trim())) return "calls.not_integer";
  return null;
}

/** A JSON number. */
function isNumber(text: string): boolean {
  return typeof parsed(text) === "number";
}

/** Errors by field name. The empty name holds errors without a field. */
export function problemsOf(fields: ArgumentField[] | null, errors: FieldError[]): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const { field, detail } of errors) {
    const name = /(?:^|\.)arguments\.([^.]+)/.exec(field)?.[1] ?? "";
    const shown = fields?.some((each) => each.name === name) ? name : "";
    const said = name && !shown ? `${name}: ${detail}` : detail;
    problems[shown] = problems[shown] ? `${problems[shown]} · ${said}` : said;
  }
  return problems;
}

/** The JSON object in a text, or null. */
export function objectOf(text: string): Arguments | null {
  const value = parsed(text);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Arguments) : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const DIGEST = 160;

/** The plain values of arguments in one line. */
export function digestOf(given: Arguments): string {
  const plain = Object.values(given).filter((value) => typeof value === "string" || typeof value === "number");
  return plain.map(String).join(" · ").replace(/\s+/g, " ").slice(0, DIGEST);
}
