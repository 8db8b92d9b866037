/** What the form of an alias holds, how that becomes what the server takes, and where its errors belong. */

import type { Alias, NewAlias } from "@/lib/api/types";
import { numberOf } from "@/lib/number";
import { randomUuid } from "@/lib/uuid";

/** A model as it is written; only targets have a weight. */
export interface ModelRow {
  key: string;
  model: string;
  weight: string;
}

export interface AliasValues {
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

/** Places of a list's fields as the server counts them, by the keys of their rows: it does not see those left empty. */
export function placesOf(list: "targets" | "fallbacks", rows: ModelRow[]): { place: string; key: string }[] {
  return written(rows).map(({ key }, index) => ({ place: `${list}.${index}`, key }));
}

/** The share of the calls that each row gets, by its key, from 0 to 1. */
export function sharesOf(rows: ModelRow[]): Record<string, number> {
  const counted = written(rows).filter(({ weight }) => Number(weight) > 0);
  const all = counted.reduce((sum, { weight }) => sum + Number(weight), 0);
  return Object.fromEntries(counted.map(({ key, weight }) => [key, Number(weight) / all]));
}

const written = (rows: ModelRow[]) => rows.filter(({ model }) => model.trim());
