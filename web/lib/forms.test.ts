import { describe, expect, it } from "vitest";
import { ApiError } from "@/lib/api/problem";
import { formErrors, numberOf } from "@/lib/forms";
import { translator } from "@/lib/locale/texts";

const t = translator("en");

const refused = (...fields: string[]) =>
  new ApiError({
    status: 422,
    code: "request.invalid",
    detail: "Some fields are invalid.",
    errors: fields.map((field) => ({ field, detail: `${field} is wrong` })),
  });

describe("errors of a form", () => {
  it("belong to the field of their path, or of a path inside it", () => {
    const shown = ["name", "prices", "targets.0.model", "targets.1.model"];
    expect(formErrors(t, refused("body.name"), shown, {}).fields).toEqual({ name: "body.name is wrong" });
    expect(Object.keys(formErrors(t, refused("prices.small.input"), shown, {}).fields)).toEqual(["prices"]);
    expect(Object.keys(formErrors(t, refused("targets.1.model"), shown, {}).fields)).toEqual(["targets.1.model"]);
  });

  it("show the rule of the field", () => {
    const { fields } = formErrors(t, refused("body.email"), ["email"]);
    expect(fields).toEqual({ email: t("auth.email_rule") });
  });

  it("belong to the form if no field matches", () => {
    const { form, fields } = formErrors(t, refused("body.other"), ["name"], {});
    expect(fields).toEqual({});
    expect(form).toContain("body.other is wrong");
  });

  it("belong to the field of their code", () => {
    const taken = new ApiError({ status: 409, code: "provider.name_taken", detail: "", errors: [] });
    expect(formErrors(t, taken, ["name"]).fields).toEqual({ name: t("error.provider.name_taken") });
  });
});

it("reads a number with or without separators, and keeps other texts", () => {
  expect(numberOf(" 1,000,000 ")).toBe(1_000_000);
  expect(numberOf("0.5")).toBe(0.5);
  expect(numberOf("0")).toBe(0);
  expect(numberOf("  ")).toBeNull();
  expect(numberOf("many")).toBe("many");
});
