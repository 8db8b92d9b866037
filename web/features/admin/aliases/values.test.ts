import { describe, expect, it } from "vitest";
import { bodyOf, emptyRow, placesOf, sharesOf, valuesOf } from "@/features/admin/aliases/values";

const row = (model: string, weight = "1") => ({ ...emptyRow(), model, weight });

describe("the form of an alias", () => {
  it("gives back what it was filled with", () => {
    const alias = { name: "team", targets: [{ model: "a", weight: 3 }, { model: "b" }], fallbacks: ["c"] };
    const stored = { ...alias, id: "1", source: "database" as const, created_at: null, updated_at: null };
    expect(bodyOf(valuesOf(stored as Parameters<typeof valuesOf>[0]))).toEqual({
      name: "team",
      targets: [
        { model: "a", weight: 3 },
        { model: "b", weight: 1 },
      ],
      fallbacks: ["c"],
    });
  });

  it("leaves rows out in which no model is written, and knows which the server then means", () => {
    const targets = [row(""), row(" a "), row("b", "2")];
    expect(bodyOf({ name: "team", targets, fallbacks: [row(" ")] })).toEqual({
      name: "team",
      targets: [
        { model: "a", weight: 1 },
        { model: "b", weight: 2 },
      ],
      fallbacks: [],
    });
    expect(placesOf("targets", targets)).toEqual([
      { place: "targets.0", key: targets[1]?.key },
      { place: "targets.1", key: targets[2]?.key },
    ]);
  });

  it("tells the share of calls that a weight comes to", () => {
    const targets = [row("a", "3"), row("b", "1"), row("c", "none"), row("", "9")];
    expect(Object.values(sharesOf(targets))).toEqual([0.75, 0.25]);
  });
});
