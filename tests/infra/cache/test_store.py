"""The caches on a real Valkey: stored values are found and encrypted, and an unreachable server is a miss."""

import asyncio
import base64
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from basechat.infra.cache.layers import INTENT, LLM, MCP, Layer, Parts
from basechat.infra.cache.store import VALUE_BYTES, Cache
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import as_bytes, open_redis
from basechat.infra.redis.circuit_breaker import TIMEOUT_SECONDS
from tests.support.counted import counted
from tests.support.stack import Servers
from tests.support.waiting import until

OLD, NEW = (base64.b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))

_ROOT = Path(__file__).parents[3]
_NOISE = base64.b85encode(b"".join(sha256(bytes([n])).digest() for n in range(200))).decode()
_TEXTS = {
    "english": (_ROOT / "README.md").read_text(),
    "korean": (_ROOT / "README.ko.md").read_text(),
    "incompressible": _NOISE,
}


@pytest.fixture
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    """A client of the cache server."""
    async with open_redis(servers.settings().cache_redis_url) as client:
        yield client


@pytest.fixture
def parts() -> Parts:
    """What nothing is cached for yet."""
    return {"text": "비밀", "nonce": uuid4().hex}


def _cache(redis: Redis, servers: Servers, **changes: Any) -> Cache:
    return Cache(redis, servers.settings(**changes), Counters())


async def _only_key(redis: Redis, before: set[bytes | str]) -> bytes:
    (new,) = set(await redis.keys("*")) - before
    return as_bytes(new)


async def test_stored_values_are_found(redis: Redis, servers: Servers, parts: Parts) -> None:
    cache, value = _cache(redis, servers), {"tools": ["a", "b"], "text": "답", "n": 1.5}
    assert await cache.get(INTENT, parts) is None
    await cache.put(INTENT, parts, value)
    assert await cache.get(INTENT, parts) == value
    assert await _cache(redis, servers).get(INTENT, dict(reversed(list(parts.items())))) == value
    assert await cache.get(MCP.of("recall"), parts) is None
    assert counted(cache, INTENT) == {"hit": 1, "miss": 1, "stored": 1}
    assert counted(cache, MCP) == {"miss": 1}


@pytest.mark.parametrize("layer", [INTENT, MCP.of("calculate")], ids=["intent", "mcp"])
async def test_values_are_encrypted_and_end(redis: Redis, servers: Servers, parts: Parts, layer: Layer) -> None:
    before = set(await redis.keys("*"))
    await _cache(redis, servers).put(layer, parts, ["비밀"])
    key = await _only_key(redis, before)
    stored = as_bytes(await redis.get(key))
    assert key.startswith(layer.prefix.encode())
    assert "비밀".encode() not in stored
    assert layer.ttl_seconds * 0.9 <= await redis.ttl(key) <= layer.ttl_seconds


async def test_keys_rotate(redis: Redis, servers: Servers, parts: Parts) -> None:
    old = _cache(redis, servers, cache_encryption_keys=OLD)
    both = _cache(redis, servers, cache_encryption_keys=f"{NEW}, {OLD}")
    new = _cache(redis, servers, cache_encryption_keys=NEW)
    await old.put(INTENT, parts, "value")
    assert await both.get(INTENT, parts) == "value"
    assert await new.get(INTENT, parts) is None
    await both.put(INTENT, parts, "value")
    assert await new.get(INTENT, parts) == "value"


async def test_an_unreadable_value_is_a_counted_miss(redis: Redis, servers: Servers, parts: Parts) -> None:
    cache, before = _cache(redis, servers), set(await redis.keys("*"))
    await cache.put(INTENT, parts, "value")
    key = await _only_key(redis, before)
    sealed = as_bytes(await redis.get(key))
    for forged in (b"", b"x", sealed[:20], sealed[:-1] + bytes([sealed[-1] ^ 1]), b'"value"'):
        await redis.set(key, forged)
        assert await cache.get(INTENT, parts) is None
    assert counted(cache, INTENT) == {"stored": 1, "miss": 5, "unreadable": 5}


async def test_a_value_moved_to_another_key_is_a_miss(redis: Redis, servers: Servers, parts: Parts) -> None:
    cache, other, keys = _cache(redis, servers), {"text": uuid4().hex}, []
    for said in (parts, other):
        before = set(await redis.keys("*"))
        await cache.put(INTENT, said, said["text"])
        keys.append(await _only_key(redis, before))
    await redis.copy(keys[0].decode(), keys[1].decode(), replace=True)
    assert await cache.get(INTENT, other) is None


async def test_very_large_values_are_not_kept(redis: Redis, servers: Servers, parts: Parts) -> None:
    cache = _cache(redis, servers)
    await cache.put(INTENT, parts, "x" * VALUE_BYTES)
    assert await cache.get(INTENT, parts) is None


async def test_an_unreachable_server_is_a_miss_and_opens_the_circuit(servers: Servers, parts: Parts) -> None:
    async with open_redis("redis://127.0.0.1:9/0") as nowhere:
        cache = _cache(nowhere, servers)
        for _ in range(3):
            await cache.put(INTENT, parts, "value")
            assert await cache.get(INTENT, parts) is None
    assert counted(cache, INTENT) == {"miss": 3, "error": 6}


async def test_a_server_that_hangs_is_waited_for_once(servers: Servers, parts: Parts) -> None:
    connections: list[asyncio.StreamWriter] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        async with open_redis(f"redis://127.0.0.1:{port}/0") as client:
            cache, clock = _cache(client, servers), asyncio.get_running_loop().time
            began = clock()
            for _ in range(20):
                assert await cache.get(INTENT, parts) is None
            assert clock() - began < TIMEOUT_SECONDS * 4
        assert len(connections) <= 2


async def test_a_server_that_comes_back_is_used_again(redis: Redis, servers: Servers, parts: Parts) -> None:
    cache = _cache(redis, servers)
    await redis.client_pause(int(TIMEOUT_SECONDS * 1000 + 300), all=True)
    assert await cache.get(INTENT, parts) is None
    assert counted(cache, INTENT)["error"] == 1

    async def is_kept() -> bool:
        await cache.put(INTENT, parts, "value")
        return bool(await cache.get(INTENT, parts) == "value")

    await until(is_kept)


@pytest.mark.parametrize("kind", ["english", "korean", "incompressible"])
@pytest.mark.parametrize("size", [1024, 2048, 4096])
async def test_an_answer_costs_little_more_than_its_text(
    redis: Redis, servers: Servers, parts: Parts, kind: str, size: int
) -> None:
    text = _TEXTS[kind].encode()[:size].decode(errors="ignore")
    before = set(await redis.keys("*"))
    await _cache(redis, servers).put(LLM, parts, _completion(text))
    taken = await redis.memory_usage(await _only_key(redis, before), samples=0)
    assert taken is not None
    assert taken <= 1.3 * size, taken / size


@pytest.mark.parametrize("length", [1, 60_000, 70_000, VALUE_BYTES - 2])
async def test_values_of_any_length_are_read_as_written(
    redis: Redis, servers: Servers, parts: Parts, length: int
) -> None:
    value = (_NOISE * (1 + length // len(_NOISE)))[:length]
    cache = _cache(redis, servers)
    await cache.put(INTENT, parts, value)
    assert await cache.get(INTENT, parts) == value


def _completion(text: str) -> dict[str, Any]:
    """What a provider answers, as it is kept."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return {
        "object": "chat.completion",
        "created": 1_764_025_200,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 19, "completion_tokens": 210, "total_tokens": 229},
    }
