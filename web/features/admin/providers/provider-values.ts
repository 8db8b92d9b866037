/** The values of a provider's form, and the request that they become. */

import type { NewProvider, Provider, ProviderChange, ProviderKind } from "@/lib/api/types";
import { numberOf } from "@/lib/forms";
import { randomUuid } from "@/lib/uuid";

/** A row of the price list, in US dollars per million tokens. */
export interface PriceRow {
  key: string;
  model: string;
  input: string;
  output: string;
  cached: string;
}

/** The texts of all fields. Lists have one name per line. */
export interface ProviderValues {
  name: string;
  kind: ProviderKind;
  baseUrl: string;
  apiKey: string;
  removeKey: boolean;
  models: string;
  embeddingModels: string;
  contextWindow: string;
  connectSeconds: string;
  firstTokenSeconds: string;
  silenceSeconds: string;
  prices: PriceRow[];
}

export function valuesOf(provider: Provider | undefined): ProviderValues {
  const kind = (provider?.kind ?? "openai") as ProviderKind;
  return {
    name: provider?.name ?? kind,
    kind,
    baseUrl: provider?.base_url ?? kinds[kind].baseUrl ?? "",
    apiKey: "",
    removeKey: false,
    models: lines(provider?.models),
    embeddingModels: lines(provider?.embedding_models),
    contextWindow: text(provider?.context_window),
    connectSeconds: text(provider?.connect_seconds),
    firstTokenSeconds: text(provider?.first_token_seconds),
    silenceSeconds: text(provider?.silence_seconds),
    prices: Object.entries(provider?.prices ?? {}).map(([model, price]) => ({
      key: randomUuid(),
      model,
      input: price.input,
      output: price.output,
      cached: text(price.cached_input),
    })),
  };
}

export function emptyPrice(): PriceRow {
  return { key: randomUuid(), model: "", input: "", output: "", cached: "" };
}

/** The values after a change of kind. Name and address change too, unless the reader edited them. */
export function withKind(values: ProviderValues, kind: ProviderKind): ProviderValues {
  const before = kinds[values.kind].baseUrl ?? "";
  return {
    ...values,
    kind,
    name: values.name === values.kind ? kind : values.name,
    baseUrl: values.baseUrl === before ? (kinds[kind].baseUrl ?? "") : values.baseUrl,
  };
}

/** The request. It contains a key only if the reader entered or removed one. */
export function bodyOf(values: ProviderValues): NewProvider & ProviderChange {
  const url = values.baseUrl.trim();
  const key = values.apiKey.trim();
  const models = names(values.models);
  return {
    name: values.name.trim(),
    kind: values.kind,
    base_url: url && url !== kinds[values.kind].baseUrl ? url : null,
    ...(key ? { api_key: key } : values.removeKey && { api_key: null }),
    models: models.length ? models : null,
    embedding_models: names(values.embeddingModels),
    context_window: numberOf(values.contextWindow),
    connect_seconds: numberOf(values.connectSeconds),
    first_token_seconds: numberOf(values.firstTokenSeconds),
    silence_seconds: numberOf(values.silenceSeconds),
    prices: pricesOf(values.prices),
  };
}

function pricesOf(rows: PriceRow[]): NewProvider["prices"] {
  const priced = rows.filter((row) => row.model.trim());
  return Object.fromEntries(
    priced.map(({ model, input, output, cached }) => [
      model.trim(),
      { input: input.trim() || "0", output: output.trim() || "0", cached_input: cached.trim() || null },
    ]),
  );
}

function names(written: string): string[] {
  const found = written.split(/[\n,]/).map((name) => name.trim());
  return [...new Set(found.filter(Boolean))];
}

const lines = (list: readonly string[] | null | undefined) => (list ?? []).join("\n");
const text = (value: number | string | null | undefined) => (value === null || value === undefined ? "" : `${value}`);

interface KindInfo {
  label: string;
  /** The address of its API, if it is the same for all customers. */
  baseUrl?: string;
  /** An example of an address. */
  example?: string;
  /** Its API requires a key. */
  needsKey?: boolean;
}

const needsKey = true;

export const kinds: Record<ProviderKind, KindInfo> = {
  openai: { label: "OpenAI", baseUrl: "https://api.openai.com/v1", needsKey },
  azure: { label: "Azure OpenAI", example: "https://NAME.openai.azure.com", needsKey },
  anthropic: { label: "Anthropic", baseUrl: "https://api.anthropic.com/v1", needsKey },
  gemini: { label: "Google Gemini", baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai", needsKey },
  mistral: { label: "Mistral", baseUrl: "https://api.mistral.ai/v1", needsKey },
  groq: { label: "Groq", baseUrl: "https://api.groq.com/openai/v1", needsKey },
  openrouter: { label: "OpenRouter", baseUrl: "https://openrouter.ai/api/v1", needsKey },
  vllm: { label: "vLLM", example: "http://vllm.example.org:8000" },
  ollama: { label: "Ollama", example: "http://ollama.example.org:11434" },
  llamacpp: { label: "llama.cpp", example: "http://llama.example.org:8080" },
  custom: { label: "OpenAI API", example: "https://example.org/v1" },
};

export const kindNames = Object.keys(kinds) as ProviderKind[];

export function isKind(name: string): name is ProviderKind {
  return Object.hasOwn(kinds, name);
}

export function kindLabel(name: string): string {
  return isKind(name) ? kinds[name].label : name;
}
