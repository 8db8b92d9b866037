"""The keys of the caches on one server or on all primaries of a cluster: count, memory, and removal."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio.cluster import ClusterNode, RedisCluster

from basechat.infra.cache.layers import LAYERS, Layer
from basechat.infra.redis import CacheClient

SCANNED_KEYS = 20_000
"""Keys per server that are looked at. The rest is estimated."""
MEASURED_KEYS = 2_000
"""Keys per layer and server whose memory is measured. The rest is estimated."""
_MEASURED_AT_ONCE = 500
_SCANNED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Primary:
    """One server of a cluster; `node` is None for a single server."""

    client: CacheClient
    node: ClusterNode | None = None

    async def scan(self, match: str | None = None) -> AsyncIterator[list[bytes]]:
        # Yield keys in batches, some perhaps twice. KEYS would block the server.
        cursor = 0
        while True:
            answer: Any = await self.client.scan(cursor, match=match, count=_SCANNED_AT_ONCE, **self._target)
            position, keys = answer
            yield keys
            cursor = position[self.node.name] if self.node else position
            if cursor == 0:
                return

    async def size(self) -> int:
        size: Any = await self.client.dbsize(**self._target)
        return int(size)

    async def info(self) -> Mapping[str, Any]:
        answer: Any = await self.client.info(**self._target)
        info: Mapping[str, Any] = answer
        return info

    @property
    def _target(self) -> dict[str, Any]:
        return {"target_nodes": self.node} if self.node else {}


async def primaries(client: CacheClient) -> list[Primary]:
    """List the servers that hold keys now; raises `REDIS_ERRORS`."""
    if not isinstance(client, RedisCluster):
        return [Primary(client)]
    await client.initialize()
    return [Primary(client, node) for node in client.get_primaries()]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSize:
    """Keys of a layer, and the bytes of memory that they use."""

    keys: int = 0
    bytes: int = 0

    def __add__(self, other: "LayerSize") -> "LayerSize":
        return LayerSize(keys=self.keys + other.keys, bytes=self.bytes + other.bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyspace:
    """The sizes of all layers, by name. They are estimates if there are too many keys."""

    layers: Mapping[str, LayerSize]
    is_estimate: bool


async def measure(client: CacheClient) -> Keyspace:
    """Measure the caches; raises `REDIS_ERRORS`."""
    parts = [await _measure(primary) for primary in await primaries(client)]
    sums = {layer.name: sum((part.layers[layer.name] for part in parts), LayerSize()) for layer in LAYERS}
    return Keyspace(layers=sums, is_estimate=any(part.is_estimate for part in parts))


async def clear(client: CacheClient, layers: Collection[Layer]) -> int:
    """Remove all keys of some layers; returns their number. Keys that are written meanwhile may remain."""
    removed = 0
    for primary in await primaries(client):
        for layer in layers:
            async for keys in primary.scan(f"{layer.prefix}*"):
                removed += await _unlink(client, keys)
    return removed


async def _unlink(client: CacheClient, keys: Sequence[bytes]) -> int:
    """Remove keys by one command each, in one round trip: they may lie in several slots of a cluster."""
    if not keys:
        return 0
    async with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.execute_command("UNLINK", key)
        return sum(await pipeline.execute())


async def _measure(primary: Primary) -> Keyspace:
    sample, weight = await _sample(primary)
    layers, is_estimate = {}, weight > 1
    for layer in LAYERS:
        keys = [key for key in sample if key.startswith(layer.prefix.encode())]
        measured = keys[:MEASURED_KEYS]
        is_estimate = is_estimate or len(keys) > len(measured)
        mean = await _memory(primary.client, measured) / (len(measured) or 1)
        layers[layer.name] = LayerSize(keys=round(len(keys) * weight), bytes=round(len(keys) * weight * mean))
    return Keyspace(layers=layers, is_estimate=is_estimate)


async def _sample(primary: Primary) -> tuple[set[bytes], float]:
    """Keys, and how many keys each of them stands for. SCAN orders by hash, so the first keys are random."""
    keys: set[bytes] = set()
    async for batch in primary.scan():
        keys.update(batch)
        if len(keys) >= SCANNED_KEYS:
            return keys, max(1.0, await primary.size() / len(keys))
    return keys, 1.0


async def _memory(client: CacheClient, keys: Sequence[bytes]) -> int:
    """Sum the memory of those keys that still exist."""
    used = 0
    for start in range(0, len(keys), _MEASURED_AT_ONCE):
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys[start : start + _MEASURED_AT_ONCE]:
                pipeline.memory_usage(key)
            used += sum(size or 0 for size in await pipeline.execute())
    return used
