"""The kinds of providers, by table: where each is, how it wants its key, and in what its API differs from OpenAI's."""

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
"""Whose API it is; `custom` is any other that speaks OpenAI's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """What is known of a kind of provider.

    `base_url` is None where one must be given; whatever is given ends with `path`. `key_header` carries the key, as a
    bearer token if it is `authorization`; `list_key_header` and `list_headers` where the list of models wants others.
    `lists` says whether it tells which models can be called, `prices` whether it tells what they cost, `no_chat`
    which of the listed ones don't chat. `stream_usage` says whether `stream_options.include_usage` is understood, and
    `is_local` that nobody is paid.
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


# Good and cheap models are preferred: the first that the account has is the default where DEFAULT_MODEL or
# EMBEDDING_MODEL says nothing.
SPECS: Mapping[ProviderKind, ProviderSpec] = {
    "openai": ProviderSpec(
        base_url="https://api.openai.com/v1",
        # All that OpenAI has is listed under one roof; the last four are for the Responses API alone.
        no_chat=re.compile(
            r"whisper|tts|dall-e|moderation|image|audio|realtime|transcribe|sora|davinci|babbage|instruct|computer-use"
            r"|codex|deep-research|^gpt-[\d.]+-pro|^o\d-pro"
        ),
        preferred=("gpt-5-mini", "gpt-4.1-mini", "gpt-4o-mini", "text-embedding-3-small"),
    ),
    # Its list is of the models that could be deployed; calls name deployments, which a key can't list.
    "azure": ProviderSpec(path="/openai/v1", key_header="api-key", lists=False),
    # The compatible endpoint takes a bearer token; the list of models is of Anthropic's own API, 20 a page by default.
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
    # Refuses fields that it does not know, `stream_options` among them, and tells the usage of every stream anyway.
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
    """Return what is known of a kind of which it is not known whether it is one."""
    return next((spec for name, spec in SPECS.items() if name == kind), None)


def kind_of(base_url: object) -> ProviderKind:
    """Return whose address it is."""
    return next((kind for kind, spec in SPECS.items() if base_url and spec.base_url == base_url), "custom")


def completed(base_url: str, spec: ProviderSpec) -> str:
    """Return an address with the path that those of its kind end with; a Unix socket has none."""
    url = base_url.rstrip("/")
    return url if url.startswith("unix:") or url.endswith(spec.path) else url + spec.path
