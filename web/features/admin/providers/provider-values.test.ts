import { describe, expect, it } from "vitest";
import { bodyOf, emptyPrice, valuesOf, withKind } from "@/features/admin/providers/provider-values";
import type { Provider } from "@/lib/api/types";

const stored: Provider = {
  id: "1",
  source: "database",
  name: "own",
  kind: "vllm",
  base_url: "http://vllm.example.org:8000/v1",
  enabled: true,
  has_key: true,
  key_hint: "abcd",
  error: null,
  created_at: null,
  updated_at: null,
  models: ["small", "large"],
  preferred: [],
  embedding_models: [],
  context_window: 8192,
  stream_usage: true,
  connect_seconds: null,
  first_token_seconds: 30,
  silence_seconds: null,
  prices: { small: { input: "0.25", output: "2", cached_input: null } },
};

describe("the form of a provider", () => {
  it("restores the stored provider, and sends no key if the field is empty", () => {
    const body = bodyOf(valuesOf(stored));
    expect(body).toMatchObject({
      name: "own",
      kind: "vllm",
      base_url: "http://vllm.example.org:8000/v1",
      models: ["small", "large"],
      context_window: 8192,
      connect_seconds: null,
      first_token_seconds: 30,
      prices: { small: { input: "0.25", output: "2", cached_input: null } },
    });
    expect(body).not.toHaveProperty("api_key");
  });

  it("sends an entered key, or removes the stored one", () => {
    const values = valuesOf(stored);
    expect(bodyOf({ ...values, apiKey: " sk-1 " }).api_key).toBe("sk-1");
    expect(bodyOf({ ...values, removeKey: true }).api_key).toBeNull();
    expect(bodyOf({ ...values, removeKey: true, apiKey: "sk-1" }).api_key).toBe("sk-1");
  });

  it("changes name and address with the kind until they are edited", () => {
    const fresh = valuesOf(undefined);
    const other = withKind(fresh, "groq");
    expect(other).toMatchObject({ name: "groq", kind: "groq", baseUrl: "https://api.groq.com/openai/v1" });
    const own = withKind({ ...other, name: "fast", baseUrl: "https://proxy.example.org" }, "openai");
    expect(own).toMatchObject({ name: "fast", kind: "openai", baseUrl: "https://proxy.example.org" });
    expect(withKind(other, "ollama").baseUrl).toBe("");
  });

  it("leaves out the default address of the kind", () => {
    expect(bodyOf(valuesOf(undefined)).base_url).toBeNull();
  });

  it("reads lists by line and prices by row, and drops empty rows", () => {
    const row = { ...emptyPrice(), model: " small ", input: "1" };
    const body = bodyOf({ ...valuesOf(undefined), models: "a\n\n b \na", prices: [row, emptyPrice()] });
    expect(body.models).toEqual(["a", "b"]);
    expect(body.prices).toEqual({ small: { input: "1", output: "0", cached_input: null } });
  });
});
