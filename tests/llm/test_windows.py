"""The list of models contains each model's window, from the best source."""

from pathlib import Path
from typing import Any

import pytest

from basechat.kit.config import Settings
from basechat.llm.providers.configured import load_configured
from basechat.llm.providers.prices import parse_window, window_of
from tests.llm.gateway import own_gateway
from tests.support.person import Person
from tests.support.stack import Servers
from tests.upstream import Upstream, running_upstream

DEFAULT = 32_768


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ({"id": "vllm", "max_model_len": 8192}, 8192),
        ({"id": "openrouter", "context_length": 131_072, "top_provider": {"context_length": 65_536}}, 131_072),
        ({"id": "groq", "context_window": 131_072, "max_completion_tokens": 32_768}, 131_072),
        ({"id": "mistral", "max_context_length": 32_768}, 32_768),
        ({"id": "llama.cpp", "meta": {"n_ctx": 4096, "n_ctx_train": 8192}}, 4096),
        ({"id": "older llama.cpp", "meta": {"n_ctx_train": 8192}}, 8192),
        ({"id": "openai", "object": "model", "owned_by": "system"}, None),
        ({"id": "nonsense", "context_length": 0, "max_model_len": "8192", "meta": None}, None),
        ({"id": "nonsense", "context_length": 2.5, "context_window": True, "meta": [1]}, None),
    ],
)
def test_lists_tell_windows_in_many_ways(model: dict[str, Any], window: int | None) -> None:
    assert parse_window(model) == window


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("gpt-5-mini", 272_000),
        ("gpt-4.1-mini-2025-04-14", 1_047_576),
        ("openai/gpt-4o", 128_000),
        ("gpt-4-0613", 8192),
        ("gpt-4-32k", 32_768),
        ("gpt-3.5-turbo", 16_385),
        ("o3", 200_000),
        ("o1-mini", 128_000),
        ("claude-sonnet-4-5", 200_000),
        ("models/gemini-2.5-pro", 1_000_000),
        ("deepseek-chat", 128_000),
        ("llama3.1:8b", DEFAULT),
        ("o365", DEFAULT),
        ("my-gpt-4", DEFAULT),
    ],
)
def test_families_that_are_known(name: str, window: int) -> None:
    assert window_of(name, listed=None, declared=None, default=DEFAULT) == window


def test_what_is_declared_bounds_what_is_told() -> None:
    for told, declared, window in ((None, 5000, 5000), (6000, None, 6000), (6000, 5000, 5000), (4000, 5000, 4000)):
        assert window_of("gpt-4", listed=told, declared=declared, default=DEFAULT) == window


def test_the_window_of_ollama_is_its_default() -> None:
    values: dict[str, Any] = {"secret_key": "s" * 32, "ollama_base_url": "http://o:11434"}
    [provider] = load_configured(Settings(_env_file=None, **values)).providers
    assert provider.context_window == 4096


async def test_the_gateway_tells_the_window_of_each_model(
    servers: Servers, person: Person, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.limit("echo", 2048)
    upstream.script("gpt-4o")
    async with running_upstream() as second:
        second.models[:] = ["narrow", "wide"]
        second.limit("narrow", 4096)
        path = tmp_path / "providers.toml"
        path.write_text(f'[[providers]]\nname = "second"\nbase_url = "{second.base_url}"\ncontext_window = 8192')
        names = {"openai_base_url": upstream.base_url, "providers_file": path, "context_window": 10_000}
        async with own_gateway(servers, person, **names) as client:
            listed = (await client.get("/v1/models")).json["data"]
            told = {model["id"]: model["context_window"] for model in listed}
            embedding = (await client.get("/v1/models?kind=embedding")).json["data"]
    assert {name: told[name] for name in ("echo", "gpt-4o", "korean", "narrow", "wide")} == {
        "echo": 2048, "gpt-4o": 128_000, "korean": 10_000, "narrow": 4096, "wide": 8192,
    }  # fmt: skip
    assert not any("context_window" in model for model in embedding)
