"""Each kind of provider is reached where it is, with its key as it wants it, and offers of its list what chats."""

from typing import Any

import pytest
from pydantic import ValidationError

from basechat.infra.http import Address
from basechat.kit.config import ConfigError, Settings
from basechat.llm.providers.configured import load_configured
from basechat.llm.providers.listing import Upstream, request_listing
from basechat.llm.providers.provider import Provider
from tests.upstream import Upstream as Scripted
from tests.upstream import running_upstream

GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"


def _provider(**fields: Any) -> Provider:
    return Provider.model_validate({"name": "x", **fields})


def _settings(**values: Any) -> Settings:
    return Settings(_env_file=None, secret_key="s" * 32, **values)


@pytest.mark.parametrize(
    ("variables", "name", "base_url", "headers"),
    [
        ({"openai_api_key": "k"}, "openai", "https://api.openai.com/v1", {"authorization": "Bearer k"}),
        (
            {"azure_openai_base_url": "https://r.openai.azure.com/", "azure_openai_api_key": "k"},
            "azure", "https://r.openai.azure.com/openai/v1", {"api-key": "k"},
        ),
        ({"anthropic_api_key": "k"}, "anthropic", "https://api.anthropic.com/v1", {"authorization": "Bearer k"}),
        ({"gemini_api_key": "k"}, "gemini", GOOGLE, {"authorization": "Bearer k"}),
        ({"mistral_api_key": "k"}, "mistral", "https://api.mistral.ai/v1", {"authorization": "Bearer k"}),
        ({"groq_api_key": "k"}, "groq", "https://api.groq.com/openai/v1", {"authorization": "Bearer k"}),
        ({"openrouter_api_key": " k\n"}, "openrouter", "https://openrouter.ai/api/v1", {"authorization": "Bearer k"}),
        ({"vllm_base_url": "http://v:8000"}, "vllm", "http://v:8000/v1", {}),
        ({"ollama_base_url": "http://o:11434/v1/"}, "ollama", "http://o:11434/v1", {}),
        ({"llamacpp_base_url": "http://l:8080/under"}, "llamacpp", "http://l:8080/under/v1", {}),
    ],
)  # fmt: skip
def test_a_variable_is_enough(variables: dict[str, str], name: str, base_url: str, headers: dict[str, str]) -> None:
    (provider,) = load_configured(_settings(**variables)).providers
    assert (provider.name, provider.kind, provider.base_url, provider.headers) == (name, name, base_url, headers)


def test_a_key_without_an_address_makes_no_provider() -> None:
    assert load_configured(_settings(azure_openai_api_key="k")).providers == []


def test_deployments_of_azure_are_named() -> None:
    names = {"azure_openai_base_url": "https://r.openai.azure.com", "azure_openai_deployments": "fast, my-embeddings,"}
    (azure,) = load_configured(_settings(**names)).providers
    assert (azure.models, azure.embedding_models) == (("fast",), ("my-embeddings",))


def test_an_address_that_is_none_is_told_without_the_key() -> None:
    with pytest.raises(ConfigError, match=r"vllm.*base_url") as refused:
        load_configured(_settings(vllm_base_url="nowhere"))
    assert "nowhere" not in str(refused.value)
    with pytest.raises(ConfigError, match=r"openai.*api_key") as refused:
        load_configured(_settings(openai_api_key="s3cret with blanks"))
    assert "s3cret" not in str(refused.value)


def test_the_kind_follows_from_the_address_and_the_rest_from_the_kind() -> None:
    openai = _provider(base_url="https://api.openai.com/v1")
    assert (openai.kind, openai.stream_usage, openai.preferred[0]) == ("openai", True, "gpt-5-mini")
    assert _provider(base_url="https://llm.example.org/v1").kind == "custom"
    mistral = _provider(kind="mistral", preferred=["codestral-2508"])
    assert (mistral.stream_usage, mistral.preferred) == (False, ("codestral-2508",))
    assert _provider(kind="mistral", stream_usage=True).stream_usage
    assert _provider(kind="vllm", base_url="unix:/run/vllm.sock").address == Address(
        "http://localhost/v1", "/run/vllm.sock"
    )


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"kind": "custom"}, "base_url"),
        ({"kind": "azure"}, "base_url"),
        ({"kind": "vllm"}, "base_url"),
        ({"kind": "bard"}, "kind"),
        ({"kind": []}, "kind"),
        ({"kind": "openai", "base_url": "https://user:pass@example.org/v1"}, "base_url"),
        ({"kind": "openai", "base_url": "https://example.org/v1?key=1"}, "base_url"),
        ({"kind": "openai", "base_url": "https://"}, "base_url"),
        ({"kind": "openai", "base_url": "https://exam ple.org"}, "base_url"),
        ({"kind": "openai", "base_url": "https://example.org:port"}, "base_url"),
        ({"kind": "openai", "api_key": "two\nlines"}, "api_key"),
        ({"kind": "openai", "api_key": ""}, "api_key"),
        ({"kind": "openai", "silence_seconds": 0}, "silence_seconds"),
        ({"kind": "openai", "prices": {"m": {"input": -1}}}, "prices"),
        ({"kind": "openai", "prices": {"m": {"output": 1}}}, "prices"),
        ({"kind": "openai", "prices": {"m": {"input": "nan"}}}, "prices"),
    ],
)
def test_what_is_wrong_is_told(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _provider(**fields)
    assert place in {error["loc"][0] for error in refused.value.errors()}


@pytest.mark.parametrize(
    ("kind", "listed", "chat", "embedding"),
    [
        (
            "openai",
            ["whisper-1", "gpt-4o", "gpt-5-pro", "o3-deep-research", "gpt-5.1-codex", "ada-embed", "gpt-5-mini"],
            ["gpt-5-mini", "gpt-4o"], ["ada-embed"],
        ),
        (
            "gemini",
            ["models/imagen-4", "models/gemini-embedding-001", "models/gemini-2.5-pro", "models/gemini-2.5-flash"],
            ["gemini-2.5-flash", "gemini-2.5-pro"], ["gemini-embedding-001"],
        ),
        ("mistral", ["mistral-ocr-2505", "ministral-8b", "mistral-embed"], ["ministral-8b"], ["mistral-embed"]),
        ("groq", ["whisper-large-v3", "llama-prompt-guard-2-86m", "qwen3"], ["qwen3"], []),
        ("custom", ["whisper-of-the-heart", "models/mine"], ["whisper-of-the-heart", "mine"], []),
    ],
)  # fmt: skip
async def test_what_of_a_list_does_not_chat_is_left_out(
    kind: str, listed: list[str], chat: list[str], embedding: list[str]
) -> None:
    async with running_upstream() as scripted:
        scripted.models[:] = listed
        found = await _fetch_models(scripted, kind=kind)
    assert found.names == {"chat": chat, "embedding": embedding}


async def test_anthropic_is_asked_for_its_list_as_its_own_api_wants() -> None:
    async with running_upstream() as scripted:
        assert "echo" in (await _fetch_models(scripted, kind="anthropic", api_key="k")).names["chat"]
        (request,) = scripted.requests
    assert (request.headers["x-api-key"], request.headers["anthropic-version"]) == ("k", "2023-06-01")
    assert "authorization" not in request.headers


async def _fetch_models(scripted: Scripted, **fields: Any) -> Any:
    upstream = Upstream.of(_provider(base_url=scripted.base_url, **fields))
    try:
        return await request_listing(upstream)
    finally:
        await upstream.close()
