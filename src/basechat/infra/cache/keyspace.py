"""What the caches keep: how many keys, what they take, and how they go."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from basechat.infra.cache.layers import LAYERS, Layer
from basechat.infra.cache.primaries import Primary, primaries
from basechat.infra.redis import CacheClient

SCANNED_KEYS = 20_000
MEASURED_KEYS = 2_000
"""Of all keys, and of each layer, per server: what is beyond is estimated."""
_MEASURED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSize:
    """What a layer keeps: keys, and bytes of the server's memory."""

    keys: int = 0
    bytes: int = 0

    def __add__(self, other: "LayerSize") -> "LayerSize":
        return LayerSize(keys=self.keys + other.keys, bytes=self.bytes + other.bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyspace:
    """The sizes of all layers, by their names; an estimate where there are too many keys to look at each."""

    layers: Mapping[str, LayerSize]
    is_estimate: bool


async def measure(client: CacheClient) -> Keyspace:
    """Return what the caches keep; raises what a server does that is away."""
    parts = [await _measure(primary) for primary in await primaries(client)]
    sums = {layer.name: sum((part.layers[layer.name] for part in parts), LayerSize()) for layer in LAYERS}
    return Keyspace(layers=sums, is_estimate=any(part.is_estimate for part in parts))


async def clear(client: CacheClient, layers: Collection[Layer]) -> int:
    """Remove all keys of some layers; returns how many. What is put there meanwhile may stay."""
    removed = 0
    for primary in await primaries(client):
        for layer in layers:
            async for keys in primary.scan(f"{layer.prefix}*"):
                removed += await _unlink(client, keys)
    return removed


async def _unlink(client: CacheClient, keys: Sequence[bytes]) -> int:
    """Remove keys one by one in one round trip: together they may lie in several slots of a cluster."""
    if not keys:
        return 0
    async with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.execute_command("UNLINK", key)
        return sum(await pipeline.execute())


async def _measure(primary: Primary) -> Keyspace:
    seen, share = await _seen(primary)
    layers, is_estimate = {}, share > 1
    for layer in LAYERS:
        keys = [key for key in seen if key.startswith(layer.prefix.encode())]
        sample = keys[:MEASURED_KEYS]
        is_estimate = is_estimate or len(keys) > len(sample)
        mean = await _bytes(primary.client, sample) / (len(sample) or 1)
        layers[layer.name] = LayerSize(keys=round(len(keys) * share), bytes=round(len(keys) * share * mean))
    return Keyspace(layers=layers, is_estimate=is_estimate)


async def _seen(primary: Primary) -> tuple[set[bytes], float]:
    """Return keys, and how many there are for each of them; SCAN goes by hashes, so its first are as good as any."""
    seen: set[bytes] = set()
    async for keys in primary.scan():
        seen.update(keys)
        if len(seen) >= SCANNED_KEYS:
            return seen, max(1.0, await primary.size() / len(seen))
    return seen, 1.0


async def _bytes(client: CacheClient, keys: Sequence[bytes]) -> int:
    """Return the memory that keys take, without those that have gone meanwhile."""
    taken = 0
    for start in range(0, len(keys), _MEASURED_AT_ONCE):
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys[start : start + _MEASURED_AT_ONCE]:
                pipeline.memory_usage(key)
            taken += sum(size or 0 for size in await pipeline.execute())
    return taken
