"""The counters of a cache."""

from basechat.infra.cache.layers import Layer
from basechat.infra.cache.store import Cache

_OUTCOMES = ("hit", "miss", "stored", "error", "unreadable")


def counted(cache: Cache, layer: Layer) -> dict[str, float]:
    """Count of each outcome of a cache layer, without zeros."""
    values = {outcome: cache.counters.value(f"cache.{layer.name}.{outcome}") for outcome in _OUTCOMES}
    return {outcome: value for outcome, value in values.items() if value}
