/** The values of an alias's form, the request that they become, and the fields of its errors. */

import type { Alias, NewAlias } from "@/lib/api/types";
import { numberOf } from "@/lib/forms";
import type { TextKey } from "@/lib/locale/texts";
import { randomUuid } from "@/lib/uuid";

/** A row of the form. Only targets use the weight. */
export interface ModelRow {
  key: string;
  model: string;
  weight: string;
}

interface AliasValues {
  name: string;
  targets: ModelRow[];
  fallbacks: ModelRow[];
}

export function emptyRow(): ModelRow {
  return { key: randomUuid(), model: "", weight: "1" };
}

export function valuesOf(alias: Alias | undefined): AliasValues {
  return {
    name: alias?.name ?? "",
    targets: alias?.targets.map(({ model, weight }) => ({ ...emptyRow(), model, weight: `${weight ?? 1}` })) ?? [
      emptyRow(),
    ],
    fallbacks: alias?.fallbacks.map((model) => ({ ...emptyRow(), model })) ?? [],
  };
}

export function bodyOf({ name, targets, fallbacks }: AliasValues): NewAlias {
  return {
    name: name.trim(),
    targets: written(targets).map(({ model, weight }) => ({ model: model.trim(), weight: numberOf(weight) ?? 1 })),
    fallbacks: written(fallbacks).map(({ model }) => model.trim()),
  };
}

interface Place {
  /** Field name of the API. */
  place: string;
  /** Key of its row. */
  key: string;
  /** Message for an invalid value. */
  rule: TextKey;
}

/** All fields of the rows. Rows without a model aren't part of the request, so the API doesn't count them. */
export function placesOf({ targets, fallbacks }: AliasValues): Place[] {
  return [
    ...written(targets).flatMap(({ key }, index): Place[] => [
      { place: `targets.${index}.model`, key, rule: "aliases.no_model" },
      { place: `targets.${index}.weight`, key, rule: "aliases.weight_rule" },
    ]),
    ...written(fallbacks).map(
      ({ key }, index): Place => ({ place: `fallbacks.${index}`, key, rule: "aliases.no_model" }),
    ),
  ];
}

/** The share of calls of each row, by its key, from 0 to 1. */
export function sharesOf(rows: ModelRow[]): Record<string, number> {
  const counted = written(rows).filter(({ weight }) => Number(weight) > 0);
  const all = counted.reduce((sum, { weight }) => sum + Number(weight), 0);
  return Object.fromEntries(counted.map(({ key, weight }) => [key, Number(weight) / all]));
}

const written = (rows: ModelRow[]) => rows.filter(({ model }) => model.trim());
