"""The cache routes: health for all accounts; figures and clearing for administrators."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from basechat.infra.cache import keyspace
from basechat.infra.cache.layers import INTENT, LAYERS, LLM, MCP
from basechat.infra.cache.store import Cache
from basechat.infra.metrics.minutes import Flusher, minute_key
from basechat.ops.rollup import RollUp
from tests.conftest import register
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.person import Person
from tests.support.stack import Servers
from tests.upstream import Upstream

AWAY = "redis://127.0.0.1:9/0"


@pytest.fixture
async def quiet(servers: Servers, upstream: Upstream) -> AsyncIterator[Quiet]:
    """An administrator's stack with empty caches."""
    async with quiet_stack(servers, upstream) as quiet:
        await quiet.resources.cache.flushdb()
        await _forget(quiet)
        yield quiet


async def _forget(quiet: Quiet) -> None:
    """Delete the counts of other tests."""
    now = int(time.time() // 60)
    await quiet.resources.state.delete(*map(minute_key, range(now - 180, now + 2)))


async def _fill(quiet: Quiet, number: int = 3) -> Cache:
    cache = Cache(quiet.resources.cache, quiet.settings, quiet.resources.counters)
    for layer in (LLM, MCP.of("fetch_page"), INTENT):
        for n in range(number):
            await cache.put(layer, {"n": n}, "a value")
    return cache


async def test_health_shows_both_servers(quiet: Quiet) -> None:
    somebody = await _another(quiet)
    health = (await somebody.get("/cache/health")).json
    assert health == {
        "status": "ok",
        "cache": {"status": "ok", "policy": "allkeys-lru"},
        "state": {"status": "ok", "policy": "noeviction"},
        "one_server": False,
        "notices": [],
    }


async def test_notices_about_the_configuration(servers: Servers, upstream: Upstream) -> None:
    state_url = servers.settings().state_redis_url
    async with quiet_stack(servers, upstream, redis_url=state_url) as quiet:
        health = (await quiet.person.get("/cache/health")).json
    assert health["one_server"] is True
    assert [notice["code"] for notice in health["notices"]] == ["redis.shared"]
    assert "REDIS_STATE_URL" in health["notices"][0]["detail"]


async def test_notices_about_harmful_policies(servers: Servers, upstream: Upstream) -> None:
    settings = servers.settings()
    swapped = {"redis_url": settings.state_redis_url, "redis_state_url": settings.cache_redis_url}
    async with quiet_stack(servers, upstream, **swapped) as quiet:
        health = (await quiet.person.get("/cache/health")).json
    codes = {notice["code"]: notice["detail"] for notice in health["notices"]}
    assert codes.keys() == {"redis.policy", "redis.unbounded", "redis_state.policy"}
    assert "noeviction" in codes["redis.policy"]
    assert "allkeys-lru" in codes["redis_state.policy"]


async def test_stats_show_counts_and_sizes(quiet: Quiet) -> None:
    cache = await _fill(quiet)
    for n in range(4):
        await cache.get(LLM, {"n": n})
    cache.counters.add("cache.llm.coalesced", 2)
    cache.counters.add("cache.llm.saved_seconds", 1.25)
    cache.counters.add("cache.llm.saved_cost", 0.0005)
    await Flusher(cache.counters, quiet.resources.state).flush()
    stats = (await quiet.person.get("/cache/stats")).json
    assert [layer["layer"] for layer in stats["layers"]] == ["llm", "mcp", "intent"]
    llm, mcp, intent = stats["layers"]
    assert (llm["hits"], llm["misses"], llm["stored"], llm["hit_rate"]) == (3, 1, 3, 0.75)
    assert (llm["coalesced"], llm["saved_seconds"], llm["saved_cost"]) == (2, 1.25, 0.0005)
    assert (mcp["stored"], mcp["keys"], mcp["hit_rate"]) == (3, 3, None)
    assert 3 * 100 < intent["bytes"] < 3 * 400
    assert (len(llm["by_hour"]), llm["by_hour"][-1]["hits"]) == (24, 3)
    assert llm["by_hour"][0] == llm["by_hour"][0] | {"hits": 0, "misses": 0, "hit_rate": None}
    assert stats["server"] == stats["server"] | {"status": "ok", "nodes": 1, "policy": "allkeys-lru"}
    assert stats["server"]["max_memory"] == 256 * 1024 * 1024
    assert (stats["estimated"], stats["up_to_date"]) == (False, True)


async def test_an_emptied_redis_and_counts_since_add_up(quiet: Quiet) -> None:
    counters = quiet.resources.counters
    counters.add("cache.llm.hit", 10)
    await Flusher(counters, quiet.resources.state).flush()
    await RollUp(quiet.resources.database, quiet.resources.state).round()
    counters.add("cache.mcp.hit", 1)
    await Flusher(counters, quiet.resources.state).flush()
    for _ in range(2):
        llm, mcp, _intent = (await quiet.person.get("/cache/stats?hours=2")).json["layers"]
        assert (llm["hits"], mcp["hits"]) == (10, 1)
        await RollUp(quiet.resources.database, quiet.resources.state).round()
    await _forget(quiet)
    llm, mcp, _intent = (await quiet.person.get("/cache/stats?hours=2")).json["layers"]
    assert (llm["hits"], mcp["hits"]) == (10, 1)


@pytest.mark.parametrize("hours", ["0", "49", "x"])
async def test_an_invalid_number_of_hours(quiet: Quiet, hours: str) -> None:
    assert (await quiet.person.get(f"/cache/stats?hours={hours}")).code == "request.invalid"


async def test_many_keys_are_estimated(quiet: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyspace, "SCANNED_KEYS", 600)
    monkeypatch.setattr(keyspace, "MEASURED_KEYS", 50)
    async with quiet.resources.cache.pipeline(transaction=False) as pipeline:
        for n in range(3000):
            pipeline.set(f"{('llm', 'llm', 'mcp')[n % 3]}:{n}", "x" * 100)
        await pipeline.execute()
    stats = (await quiet.person.get("/cache/stats")).json
    llm, mcp, intent = stats["layers"]
    assert stats["estimated"] is True
    assert 1700 < llm["keys"] < 2300
    assert 700 < mcp["keys"] < 1300
    assert intent["keys"] == 0
    assert 100 < llm["bytes"] / llm["keys"] < 250


async def test_clearing_a_layer_keeps_other_data(quiet: Quiet) -> None:
    await _fill(quiet, number=4)
    await quiet.resources.cache.set("llmother", "stays")
    reply = await quiet.person.ask("DELETE", "/cache/invalidate/llm")
    assert (reply.status, reply.json) == (200, {"layer": "llm", "removed": 4})
    kept = [layer["keys"] for layer in (await quiet.person.get("/cache/stats")).json["layers"]]
    assert kept == [0, 4, 4]
    reply = await quiet.person.ask("DELETE", "/cache/invalidate/all")
    assert reply.json == {"layer": "all", "removed": 8}
    assert await quiet.resources.cache.keys("*") == [b"llmother"]
    log = await as_owner(quiet.settings, "SELECT subject, actor_id FROM audit_log WHERE action = 'cache.invalidate'")
    assert [(subject, str(actor)) for subject, actor in log] == [
        ("llm", quiet.person.user["id"]),
        ("all", quiet.person.user["id"]),
    ]


async def test_clearing_thousands_of_keys_during_writes(quiet: Quiet) -> None:
    async with quiet.resources.cache.pipeline(transaction=False) as pipeline:
        for n in range(5000):
            pipeline.set(f"llm:{n}", "x")
        await pipeline.execute()

    async def add() -> None:
        for n in range(200):
            await quiet.resources.cache.set(f"mcp:x:{n}", "x")

    removed, _ = await asyncio.gather(keyspace.clear(quiet.resources.cache, [LLM]), add())
    assert removed == 5000
    assert (await keyspace.measure(quiet.resources.cache)).layers["mcp"].keys == 200


async def test_an_unknown_layer(quiet: Quiet) -> None:
    assert (await quiet.person.ask("DELETE", "/cache/invalidate/session")).code == "request.invalid"


async def test_only_administrators_see_figures_and_clear(quiet: Quiet) -> None:
    somebody = await _another(quiet)
    assert (await somebody.get("/cache/stats")).code == "auth.admin_required"
    assert (await somebody.ask("DELETE", "/cache/invalidate/all")).code == "auth.admin_required"
    nobody = Person(quiet.person.http)
    for path in ("/cache/health", "/cache/stats"):
        assert (await nobody.get(path)).code == "auth.required"


async def test_an_unavailable_cache_server_is_reported(servers: Servers, upstream: Upstream) -> None:
    async with quiet_stack(servers, upstream, redis_url=AWAY) as quiet:
        health = (await quiet.person.get("/cache/health")).json
        assert (health["status"], health["cache"], health["one_server"]) == (
            "degraded",
            {"status": "down", "policy": None},
            None,
        )
        stats = (await quiet.person.get("/cache/stats")).json
        assert stats["server"]["status"] == "down"
        assert [layer["keys"] for layer in stats["layers"]] == [None] * len(LAYERS)
        reply = await quiet.person.ask("DELETE", "/cache/invalidate/all")
        assert (reply.status, reply.code) == (503, "cache.unavailable")


async def test_without_redis_state_stats_show_stored_hours(servers: Servers, upstream: Upstream) -> None:
    async with quiet_stack(servers, upstream, redis_state_url=AWAY) as quiet:
        await as_owner(
            quiet.settings,
            "INSERT INTO metrics_hourly (hour, name, value) "
            "VALUES (date_trunc('hour', now()) - interval '3 hours', 'cache.llm.hit', 7)",
        )
        stats = (await quiet.person.get("/cache/stats")).json
        assert (stats["up_to_date"], stats["layers"][0]["hits"]) == (False, 7)
        assert (await quiet.person.get("/cache/health")).json["state"]["status"] == "down"


async def _another(quiet: Quiet) -> Person:
    stranger = Person(quiet.person.http, headers=quiet.person.headers)
    return await register(stranger)
