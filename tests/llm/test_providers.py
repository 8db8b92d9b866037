"""Providers come from the environment and from a TOML file; each has its models, by plain name or behind its own."""

from pathlib import Path
from typing import Any

import pytest

from basechat.kit.config import ConfigError, Settings
from basechat.llm.providers.configured import load_configured
from tests.llm.gateway import COMPLETIONS, check_error, own_gateway, question
from tests.support.person import Person
from tests.support.stack import Servers
from tests.upstream import Upstream, running_upstream


def _settings(**values: Any) -> Settings:
    return Settings(_env_file=None, secret_key="s" * 32, **values)


def _file(folder: Path, text: str) -> Path:
    path = folder / "providers.toml"
    path.write_text(text)
    return path


def test_the_environment_names_the_usual_ones() -> None:
    found = load_configured(
        _settings(
            openai_api_key="sk-1", ollama_base_url="http://o:11434/", vllm_base_url="http://v:8000/v1",
            local_model_url="unix:/run/model.sock",
        )
    ).providers  # fmt: skip
    assert [(each.name, each.address.base_url, each.address.socket_path) for each in found] == [
        ("openai", "https://api.openai.com/v1", None),
        ("ollama", "http://o:11434/v1", None),
        ("vllm", "http://v:8000/v1", None),
        ("local", "http://localhost/v1", "/run/model.sock"),
    ]
    assert found[0].headers == {"authorization": "Bearer sk-1"}
    assert found[1].headers == {}
    assert "sk-1" not in repr(found)


def test_the_file_names_any_number_more(tmp_path: Path) -> None:
    path = _file(tmp_path, """
        [[providers]]
        name = "groq"
        base_url = "https://api.groq.com/openai/v1"
        api_key = "gsk"
        models = ["llama", "qwen"]

        [[providers]]
        name = "lab"
        base_url = "http://lab:8000/v1"
    """)  # fmt: skip
    found = load_configured(_settings(providers_file=path, openai_base_url="http://x/v1")).providers
    assert [(each.name, each.models) for each in found] == [
        ("openai", None),
        ("groq", ("llama", "qwen")),
        ("lab", None),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[providers]", "can't be read"),
        ("providers = 1", "is invalid: providers"),
        ('[[providers]]\nname = "x"', "base_url"),
        ('[[providers]]\nname = "x y"\nbase_url = "http://x"', "name"),
        ('[[providers]]\nname = "x"\nbase_url = "ftp://x"', "base_url"),
        ('[[providers]]\nname = "x"\nbase_url = "http://x"\napi_kye = "s3cret"', "api_kye"),
        ('[[providers]]\nname = "x"\nbase_url = "http://x"\napi_key = ["s3cret"]', "api_key"),
        ('[[providers]]\nname = "openai"\nbase_url = "http://x"', "same name: openai"),
        ('[[providers]]\nname = "x"\nbase_url = "http://x"\n' * 2, "same name: x"),
    ],
)
def test_a_file_that_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        load_configured(_settings(providers_file=_file(tmp_path, text), openai_base_url="http://x/v1"))
    assert "s3cret" not in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PROVIDERS_FILE"):
        load_configured(_settings(providers_file=tmp_path / "nowhere.toml"))


async def test_models_are_reached_by_their_own_or_their_providers_name(
    servers: Servers, person: Person, upstream: Upstream, tmp_path: Path
) -> None:
    async with running_upstream() as second:
        second.models[:] = ["echo", "only-there"]
        second.script("only-there")
        path = _file(tmp_path, f'[[providers]]\nname = "second"\nbase_url = "{second.base_url}"')
        names = {"openai_base_url": upstream.base_url, "providers_file": path, "default_model": "second/echo"}
        async with own_gateway(servers, person, **names) as client:
            answered = {}
            for model in ("echo", "openai/echo", "second/echo", "only-there", None):
                reply = await client.post(COMPLETIONS, question(model=model))
                answered[model] = (reply.headers["x-basechat-provider"], reply.json["model"])
            assert answered == {
                "echo": ("openai", "echo"),
                "openai/echo": ("openai", "echo"),
                "second/echo": ("second", "echo"),
                "only-there": ("second", "only-there"),
                None: ("second", "echo"),
            }
            check_error(await client.post(COMPLETIONS, question(model="openai/only-there")), 404, "model_not_found")
            listed = [(each["id"], each["owned_by"]) for each in (await client.get("/v1/models")).json["data"]]
            assert listed[0] == ("second/echo", "second")  # the default one
            assert {("echo", "openai"), ("only-there", "second")} <= set(listed)


async def test_one_provider_that_is_down_does_not_hide_the_others(
    servers: Servers, person: Person, upstream: Upstream, tmp_path: Path
) -> None:
    path = _file(tmp_path, '[[providers]]\nname = "down"\nbase_url = "http://127.0.0.1:9/v1"')
    names = {"openai_base_url": upstream.base_url, "providers_file": path}
    async with own_gateway(servers, person, **names) as client:
        assert (await client.post(COMPLETIONS, question())).status == 200
        assert {each["owned_by"] for each in (await client.get("/v1/models")).json["data"]} == {"openai"}
        check_error(await client.post(COMPLETIONS, question(model="down/any")), 502)


async def test_a_long_list_of_models_is_read_whole(servers: Servers, person: Person) -> None:
    async with running_upstream() as many:
        many.models[:] = [f"vendor/model-{n:05}-{'x' * 100}" for n in range(5000)]
        async with own_gateway(servers, person, openai_base_url=many.base_url) as client:
            assert len((await client.get("/v1/models")).json["data"]) == 5000
