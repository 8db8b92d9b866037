"""An alias stands for models: calls are divided among its targets by weight, and go to the others when one fails."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from basechat.kit.config import ConfigError, Settings
from basechat.llm.providers.aliases import Alias
from basechat.llm.providers.catalogue import Catalogue
from basechat.llm.providers.configured import load_configured
from basechat.llm.providers.provider import Kind, Provider
from tests.llm.gateway import COMPLETIONS, check_error, own_gateway, question
from tests.support.person import Person
from tests.support.stack import Servers
from tests.upstream import Upstream, running_upstream

CALLS = 20_000
DEFAULTS: dict[Kind, str | None] = {"chat": None, "embedding": None}


def _alias(*targets: tuple[str, float], fallbacks: tuple[str, ...] = (), name: str = "fast") -> Alias:
    return Alias.model_validate(
        {
            "name": name,
            "targets": [{"model": model, "weight": weight} for model, weight in targets],
            "fallbacks": fallbacks,
        }
    )


def _chosen(alias: Alias) -> list[str]:
    return [alias.order(b"conversation %d" % number)[0] for number in range(CALLS)]


def test_each_target_gets_its_share() -> None:
    counts = Counter(_chosen(_alias(("a", 3), ("b", 1), ("c", 0.5))))
    for model, share in {"a": 3 / 4.5, "b": 1 / 4.5, "c": 0.5 / 4.5}.items():
        deviation = (CALLS * share * (1 - share)) ** 0.5
        assert abs(counts[model] - CALLS * share) < 4 * deviation


def test_the_same_conversation_stays_with_one_and_only_its_own_calls_move() -> None:
    two, three = _alias(("a", 3), ("b", 1)), _alias(("a", 3), ("b", 1), ("c", 1))
    before, after = _chosen(two), _chosen(three)
    assert before == _chosen(_alias(("b", 1), ("a", 3)))
    assert {new for old, new in zip(before, after, strict=True) if new != old} == {"c"}


def test_the_others_come_next_then_the_fallbacks_each_once() -> None:
    alias = _alias(("a", 1), ("b", 1), fallbacks=("c", "a", "d"))
    orders = {tuple(alias.order(b"%d" % number)) for number in range(100)}
    assert orders == {("a", "b", "c", "d"), ("b", "a", "c", "d")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[aliases]]\nname = "x"', "targets"),
        ('[[aliases]]\nname = "x"\ntargets = []', "targets"),
        ('[[aliases]]\nname = "x y"\ntargets = [{model = "m"}]', "name"),
        ('[[aliases]]\nname = "x"\ntargets = [{model = "m", weight = 0}]', "weight"),
        ('[[aliases]]\nname = "x"\ntargets = [{model = "m", share = 1}]', "share"),
        ('[[aliases]]\nname = "x"\ntargets = [{model = "m"}]\n' * 2, "same name: x"),
        ('[[aliases]]\nname = "x"\ntargets = [{model = "m"}]\nfallbacks = ["x"]', "are aliases: x"),
    ],
)
def test_an_alias_that_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "providers.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_configured(Settings(_env_file=None, secret_key="s" * 32, providers_file=path))


async def test_aliases_are_asked_for_like_models(
    servers: Servers, person: Person, upstream: Upstream, tmp_path: Path
) -> None:
    async with running_upstream() as second:
        second.limit("echo", 5_000)
        upstream.limit("echo", 9_000)
        path = tmp_path / "providers.toml"
        path.write_text(f"""
            [[providers]]
            name = "second"
            base_url = "{second.base_url}"
            [[aliases]]
            name = "빠른-모델"
            targets = [{{model = "second/echo"}}]
            fallbacks = ["openai/echo"]
            [[aliases]]
            name = "either"
            targets = [{{model = "openai/echo"}}, {{model = "second/echo", weight = 2}}, {{model = "gone/echo"}}]
            [[aliases]]
            name = "vectors"
            targets = [{{model = "second/embed-64"}}]
            [[aliases]]
            name = "lost"
            targets = [{{model = "gone/echo"}}]
        """)
        second.models.append("embed-64")
        names = {"openai_base_url": upstream.base_url, "providers_file": path, "default_model": "빠른-모델"}
        async with own_gateway(servers, person, **names) as client:
            for model in ("빠른-모델", None):
                reply = await client.post(COMPLETIONS, question(model=model))
                assert (reply.headers["x-basechat-provider"], reply.json["model"]) == ("second", "echo")
            lost = check_error(await client.post(COMPLETIONS, question(model="lost")), 503, "model_unavailable")
            assert "lost" in lost
            near = check_error(await client.post(COMPLETIONS, question(model="eithr")), 404, "model_not_found")
            assert "either" in near
            check_error(await client.post(COMPLETIONS, question(model="vectors")), 404, "model_not_found")
            listed = (await client.get("/v1/models")).json["data"]
            chat = [(each["id"], each["context_window"]) for each in listed if each["owned_by"] == "basechat"]
            assert chat == [("빠른-모델", 5_000), ("either", 5_000)]
            assert listed[0]["id"] == "빠른-모델"
            embedding = (await client.get("/v1/models?kind=embedding")).json["data"]
            assert [each["id"] for each in embedding if each["owned_by"] == "basechat"] == ["vectors"]


async def _routes(catalogue: Catalogue, model: str, affinity: bytes = b"") -> list[tuple[str, str]]:
    return [(route.provider.name, route.model) for route in await catalogue.routes(model, affinity=lambda: affinity)]


def _provider(name: str, *models: str, **fields: Any) -> Provider:
    return Provider.model_validate(
        {"name": name, "base_url": f"https://{name}.example.org/v1", "models": models} | fields
    )


async def test_an_alias_may_have_the_name_of_the_models_it_stands_for() -> None:
    alias = _alias(("one/m", 1), ("two/m", 1), fallbacks=("gone/m", "one/m", "other"), name="m")
    providers = [_provider("one", "m", "other"), _provider("two", "m")]
    catalogue = Catalogue(providers, [alias], defaults=DEFAULTS)
    try:
        assert sorted((await _routes(catalogue, "m"))[:2]) == [("one", "m"), ("two", "m")]
        assert (await _routes(catalogue, "m"))[2:] == [("one", "other")]
        assert await _routes(catalogue, "one/m") == [("one", "m")]
        assert [model.name for model in await catalogue.models()] == ["m", "other", "two/m"]
    finally:
        await catalogue.close()


async def test_replaced_providers_lose_their_models_and_the_others_keep_their_connections() -> None:
    stays, goes = _provider("stays", "m"), _provider("goes", "n")
    alias = _alias(("stays/m", 1), ("goes/n", 5))
    catalogue = Catalogue([stays, goes], [alias], defaults=DEFAULTS)
    try:
        (kept,) = await catalogue.routes("m")
        (gone,) = await catalogue.routes("n")
        catalogue.use([_provider("new", "o"), _provider("stays", "m")], [alias])
        assert await _routes(catalogue, "fast") == [("stays", "m")]
        assert (await catalogue.routes("m"))[0].upstream is kept.upstream
        assert await _routes(catalogue, "o") == [("new", "o")]
        with pytest.raises(Exception, match="The chat model 'n' does not exist"):
            await catalogue.routes("n")
        await catalogue.sweep()
        assert not gone.upstream.http.is_closed  # a call may just have been routed to it
        catalogue.use([], [])
        with pytest.raises(Exception, match="No model provider is configured"):
            await catalogue.routes("m")
        assert await catalogue.models() == []
    finally:
        await catalogue.close()
    assert gone.upstream.http.is_closed
    assert kept.upstream.http.is_closed
