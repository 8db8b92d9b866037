/** The kinds of providers as people know them, and where each of them is. */

import type { ProviderKind } from "@/lib/api/types";

interface KindInfo {
  label: string;
  /** Where its API is, which is the same for everybody. */
  baseUrl?: string;
  /** Such as an address of one's own may be. */
  example?: string;
  /** It takes no call without a key. */
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
