import { describe, expect, it } from "vitest";
import { bodyOf, emptyRow, placesOf, sharesOf, valuesOf } from "@/features/admin/aliases/alias-values";

const row = (model: string, weight = "1") => ({ ...emptyRow(), model, weight });

describe("the form of an alias", () => {
  it("restores the stored alias", () => {
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

  it("drops rows without a model, and finds the rows of the API's errors", () => {
    const targets = [row(""), row(" a "), row("b", "2")];
    expect(bodyOf({ name: "team", targets, fallbacks: [row(" ")] })).toEqual({
      name: "team",
      targets: [
        { model: "a", weight: 1 },
        { model: "b", weight: 2 },
      ],
      fallbacks: [],
    });
    const places = placesOf({ name: "team", targets, fallbacks: [row(""), row("c")] });
    expect(places.map(({ place }) => place)).toEqual([
      "targets.0.model",
      "targets.0.weight",
      "targets.1.model",
      "targets.1.weight",
      "fallbacks.0",
    ]);
    expect(places[0]?.key).toBe(targets[1]?.key);
    expect(places[3]?.key).toBe(targets[2]?.key);
  });

  it("computes the share of calls from the weights", () => {
    const targets = [row("a", "3"), row("b", "1"), row("c", "none"), row("", "9")];
    expect(Object.values(sharesOf(targets))).toEqual([0.75, 0.25]);
  });
});
