"""The caches on a Redis Cluster: read, written, measured and cleared over all of its nodes."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis.asyncio.cluster import RedisCluster

from basechat.infra.cache.keyspace import clear, measure, primaries
from basechat.infra.cache.layers import INTENT, LAYERS, LLM, MCP
from basechat.infra.cache.servers import find_state, notices
from basechat.infra.cache.store import Cache
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import CacheClient, open_cache
from basechat.infra.redis.circuit_breaker import TIMEOUT_SECONDS
from basechat.kit.config import Settings
from tests.support.clusters import NODES, valkey_cluster
from tests.support.counted import counted
from tests.support.stack import SECRET
from tests.support.waiting import until

KEYS = 60


@pytest.fixture(scope="module")
async def settings() -> AsyncIterator[Settings]:
    """Settings of a service whose caches are a cluster."""
    with TemporaryDirectory(prefix="bc") as folder:  # not pytest's, whose paths are long for sockets
        async with valkey_cluster(Path(folder)) as url:
            yield Settings(_env_file=None, redis_url=url, redis_cluster=True, secret_key=SECRET)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[CacheClient]:
    """A client of it, with nothing in the caches."""
    client = open_cache(settings)
    await clear(client, LAYERS)
    yield client
    await client.aclose()


async def test_values_lie_on_every_node(client: CacheClient, settings: Settings) -> None:
    cache = Cache(client, settings, Counters())
    for n in range(KEYS):
        await cache.put(LLM, {"n": n}, {"answer": n})
    assert [await cache.get(LLM, {"n": n}) for n in range(KEYS)] == [{"answer": n} for n in range(KEYS)]
    assert counted(cache, LLM) == {"hit": KEYS, "stored": KEYS}
    sizes = [await primary.size() for primary in await primaries(client)]
    assert len(sizes) == NODES
    assert all(sizes)
    assert sum(sizes) == KEYS


async def test_all_nodes_are_measured_and_cleared(client: CacheClient, settings: Settings) -> None:
    cache = Cache(client, settings, Counters())
    for n in range(KEYS):
        await cache.put((LLM, MCP.of("fetch_page"), INTENT)[n % 3], {"n": n}, "x")
    await client.set("other", "stays")
    found = await measure(client)
    assert not found.is_estimate
    assert {name: size.keys for name, size in found.layers.items()} == {"llm": 20, "mcp": 20, "intent": 20}
    assert all(100 < size.bytes / 20 < 500 for size in found.layers.values())
    assert await clear(client, [MCP]) == KEYS / 3
    assert {name: size.keys for name, size in (await measure(client)).layers.items()} == {
        "llm": 20,
        "mcp": 0,
        "intent": 20,
    }
    assert await clear(client, LAYERS) == 2 * KEYS / 3
    assert await client.get("other") == b"stays"
    await client.delete("other")


async def test_its_state_is_that_of_all_nodes(client: CacheClient) -> None:
    state = await find_state(client)
    assert state is not None
    assert (state.nodes, state.policy, state.max_memory) == (NODES, "allkeys-lru", 0)
    assert len(state.identity) == NODES
    assert [notice.code for notice in notices(state, None)] == ["redis.unbounded"]


async def test_a_node_that_hangs_is_a_miss_until_it_is_back(client: CacheClient, settings: Settings) -> None:
    cache = Cache(client, settings, Counters())
    for n in range(KEYS):
        await cache.put(LLM, {"n": n}, n + 1)
    assert await client.ping()
    node = (await primaries(client))[0]
    assert isinstance(client, RedisCluster)
    await client.execute_command("CLIENT PAUSE", int(TIMEOUT_SECONDS * 1000 + 500), "ALL", target_nodes=node.node)
    assert None in [await cache.get(LLM, {"n": n}) for n in range(KEYS)]

    async def are_all_there() -> bool:
        return [await cache.get(LLM, {"n": n}) for n in range(KEYS)] == list(range(1, KEYS + 1))

    await until(are_all_there)


async def test_an_unreachable_cluster_is_a_miss() -> None:
    settings = Settings(_env_file=None, redis_url="redis://127.0.0.1:9/0", redis_cluster=True, secret_key=SECRET)
    client = open_cache(settings)
    cache = Cache(client, settings, Counters())
    await cache.put(LLM, {"n": 1}, "x")
    assert await cache.get(LLM, {"n": 1}) is None
    assert counted(cache, LLM) == {"miss": 1, "error": 2}
    assert await find_state(client) is None
    await client.aclose()
