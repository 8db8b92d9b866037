"""What a cache has counted."""

from basechat.infra.cache.layers import Layer
from basechat.infra.cache.store import Cache

_OUTCOMES = ("hit", "miss", "stored", "error", "unreadable")


def counted(cache: Cache, layer: Layer) -> dict[str, float]:
    """Return how often a layer of this cache had each outcome, where it had it at all."""
    values = {outcome: cache.counters.value(f"cache.{layer.name}.{outcome}") for outcome in _OUTCOMES}
    return {outcome: value for outcome, value in values.items() if value}
