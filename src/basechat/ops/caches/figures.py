"""What a layer of the cache has done, from its counters."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFigures:
    """Counts of one layer in some time; `saved_seconds` and `saved_cost` (US dollars) are of its hits."""

    hits: int = 0
    misses: int = 0
    coalesced: int = 0
    bypassed: int = 0
    stored: int = 0
    errors: int = 0
    unreadable: int = 0
    saved_seconds: float = 0.0
    saved_cost: float = 0.0

    @property
    def hit_rate(self) -> float | None:
        """The part of all reads that found something, from 0 to 1; None where there were none."""
        reads = self.hits + self.misses
        return self.hits / reads if reads else None


def layer_figures(layer: str, sums: Mapping[str, float]) -> LayerFigures:
    """Return the figures of a layer by the sums of counters."""

    def count(outcome: str) -> float:
        return sums.get(f"cache.{layer}.{outcome}", 0.0)

    return LayerFigures(
        hits=round(count("hit")),
        misses=round(count("miss")),
        coalesced=round(count("coalesced")),
        bypassed=round(count("bypassed")),
        stored=round(count("stored")),
        errors=round(count("error")),
        unreadable=round(count("unreadable")),
        saved_seconds=round(count("saved_seconds"), 3),
        saved_cost=round(count("saved_cost"), 6),
    )
