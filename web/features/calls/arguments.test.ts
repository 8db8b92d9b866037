import { describe, expect, it } from "vitest";
import { argumentsOf, fieldsOf, objectOf, problemsOf, writtenOf } from "@/features/calls/arguments";

const schema = {
  properties: {
    title: { type: "string", description: "What it is called." },
    count: { type: "integer" },
    ratio: { type: "number" },
    public: { type: "boolean" },
    label: { anyOf: [{ type: "string" }, { type: "null" }] },
    kind: { type: "string", enum: ["bug", "wish"] },
  },
  required: ["title"],
};
const given = { title: "Broken", count: 3 };

describe("fields", () => {
  it("are made of a flat schema", () => {
    const fields = fieldsOf(schema, given) ?? [];
    expect(fields.map(({ name, kind }) => [name, kind])).toEqual([
      ["title", "text"],
      ["count", "integer"],
      ["ratio", "number"],
      ["public", "boolean"],
      ["label", "text"],
      ["kind", "choice"],
    ]);
    expect(fields[0]).toMatchObject({ about: "What it is called.", required: true });
    expect(fields[5]).toMatchObject({ choices: ["bug", "wish"], required: false });
  });

  it.each([
    [{ properties: { tags: { type: "array" } } }, {}],
    [{ properties: { either: { anyOf: [{ type: "string" }, { type: "number" }] } } }, {}],
    [{ properties: { anything: {} } }, {}],
    [{ properties: { number: { type: "integer", enum: [1, 2] } } }, {}],
    [{}, { unknown: 1 }],
  ])("are not made of %j for %j", (nested, values) => {
    expect(fieldsOf(nested, values)).toBeNull();
  });
});

describe("arguments", () => {
  const fields = fieldsOf(schema, given) ?? [];
  const after = (changes: Record<string, string>) =>
    argumentsOf(fields, { ...writtenOf(fields, given), ...changes }, given);

  it("stay unchanged if no field changes", () => {
    expect(after({})).toEqual({ given, problems: {} });
    expect(argumentsOf(fields, writtenOf(fields, { label: null }), { label: null }).given).toEqual({ label: null });
  });

  it("are parsed by their kinds", () => {
    expect(after({ title: "42", count: "-1", ratio: "0.5", public: "false", kind: "wish" }).given).toEqual({
      title: "42",
      count: -1,
      ratio: 0.5,
      public: false,
      kind: "wish",
    });
  });

  it("are left out if an optional field is empty, and empty if it is required", () => {
    expect(after({ count: "", title: "" }).given).toEqual({ title: "" });
  });

  it("are rejected if a number is invalid", () => {
    expect(after({ count: "1.5", ratio: "much" }).problems).toEqual({
      count: "calls.not_integer",
      ratio: "calls.not_number",
    });
  });

  it("show the errors of the API at their fields", () => {
    const errors = [
      { field: "body.arguments.title", detail: "too short" },
      { field: "arguments.extra.0", detail: "unknown" },
      { field: "arguments", detail: "too large" },
    ];
    expect(problemsOf(fields, errors)).toEqual({ title: "too short", "": "extra: unknown · too large" });
    expect(problemsOf(null, errors)).toEqual({ "": "title: too short · extra: unknown · too large" });
  });

  it("as JSON are an object", () => {
    expect(objectOf('{"a": [1]}')).toEqual({ a: [1] });
    for (const text of ["", "[]", "null", '"a"', "{a: 1}"]) expect(objectOf(text)).toBeNull();
  });
});
