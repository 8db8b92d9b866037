"""The kinds of providers: the address of each, its header for the key, and how its API differs from OpenAI's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ProviderKind = Literal[
    "openai",
    "azure",
    "anthropic",
    "gemini",
    "mistral",
    "groq",
    "openrouter",
    "vllm",
    "ollama",
    "llamacpp",
    "custom",
]
"""`custom` is any other provider with OpenAI's API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """The properties of a kind of provider.

    `base_url` is None if an address must be configured; `path` is appended to it. `key_header` carries the key, as a
    bearer token if it is `authorization`. `list_key_header` and `list_headers` replace it for the list of models.
    `lists`: the provider lists its models. `prices`: the list has prices. `no_chat`: listed models that can't chat.
    `stream_usage`: `stream_options.include_usage` is supported. `is_local`: calls are free.
    """

    base_url: str | None = None
    path: str = ""
    key_header: str = "authorization"
    list_key_header: str | None = None
    list_headers: Mapping[str, str] = field(default_factory=dict)
    list_query: str = ""
    lists: bool = True
    prices: bool = False
    no_chat: re.Pattern[str] | None = None
    preferred: tuple[str, ...] = ()
    stream_usage: bool = True
    is_local: bool = False


# Good and cheap models are preferred: the first one in the list is the default without DEFAULT_MODEL or
# EMBEDDING_MODEL.
SPECS: Mapping[ProviderKind, ProviderSpec] = {
    "openai": ProviderSpec(
        base_url="https://api.openai.com/v1",
        # OpenAI lists all its models together. The last four work with the Responses API only.
        no_chat=re.compile(
            r"whisper|tts|dall-e|moderation|image|audio|realtime|transcribe|sora|davinci|babbage|instruct|computer-use"
            r"|codex|deep-research|^gpt-[\d.]+-pro|^o\d-pro"
        ),
        preferred=("gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini", "text-embedding-3-small"),
    ),
    # Azure lists the models that can be deployed. Calls name deployments, which a key can't list.
    "azure": ProviderSpec(path="/openai/v1", key_header="api-key", lists=False),
    # The compatible endpoint takes a bearer token. The list of models is of Anthropic's own API, with 20 on a page.
    "anthropic": ProviderSpec(
        base_url="https://api.anthropic.com/v1",
        list_key_header="x-api-key",
        list_headers={"anthropic-version": "2023-06-01"},
        list_query="?limit=1000",
        preferred=("claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929"),
    ),
    "gemini": ProviderSpec(
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        no_chat=re.compile(r"aqa|imagen|veo|lyria|tts|image|audio|live|robotics|computer-use"),
        preferred=("gemini-2.5-flash", "gemini-2.5-flash-lite"),
    ),
    # Mistral rejects unknown fields such as `stream_options`, and reports the usage of every stream anyway.
    "mistral": ProviderSpec(
        base_url="https://api.mistral.ai/v1",
        no_chat=re.compile(r"moderation|ocr|transcribe|tts|realtime"),
        preferred=("mistral-medium-latest", "mistral-small-latest"),
        stream_usage=False,
    ),
    "groq": ProviderSpec(
        base_url="https://api.groq.com/openai/v1",
        no_chat=re.compile(r"whisper|tts|guard|orpheus"),
        preferred=("llama-3.3-70b-versatile", "llama-3.1-8b-instant"),
    ),
    "openrouter": ProviderSpec(
        base_url="https://openrouter.ai/api/v1",
        prices=True,
        preferred=("openai/gpt-5-mini", "openai/gpt-4.1-mini"),
    ),
    "vllm": ProviderSpec(path="/v1", is_local=True),
    "ollama": ProviderSpec(path="/v1", is_local=True),
    "llamacpp": ProviderSpec(path="/v1", is_local=True),
    "custom": ProviderSpec(),
}


def find_spec(kind: object) -> ProviderSpec | None:
    return next((spec for name, spec in SPECS.items() if name == kind), None)


def kind_of(base_url: object) -> ProviderKind:
    return next((kind for kind, spec in SPECS.items() if base_url and spec.base_url == base_url), "custom")


def completed(base_url: str, spec: ProviderSpec) -> str:
    """Append the path of the kind to an address, unless it is a Unix socket."""
    url = base_url.rstrip("/")
    return url if url.startswith("unix:") or url.endswith(spec.path) else url + spec.path
