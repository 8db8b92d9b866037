"""Counters of the caches hour by hour: stored rows, and newer minutes of the last two hours from redis-state."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from basechat.infra.db import Database
from basechat.infra.metrics.counters import Minute
from basechat.infra.metrics.minutes import read_minutes, total
from basechat.infra.redis import REDIS_ERRORS, Redis

log = logging.getLogger(__name__)

_FRESH_HOURS = 2

# Two bounds are needed: with one bound, a generic plan would read the whole table.
_HOURS = text("""
    SELECT CAST(extract(epoch FROM hour) / 3600 AS bigint) AS number, name, value, minutes
    FROM metrics_hourly
    WHERE hour BETWEEN to_timestamp(:since * 3600) AND to_timestamp(:until * 3600) AND starts_with(name, :prefix)
""")

Sums = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFigures:
    """Counts of one layer in a period. `saved_seconds` and `saved_cost` (US dollars) are sums over its hits."""

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
        """Hits divided by reads, from 0 to 1; None without reads."""
        reads = self.hits + self.misses
        return self.hits / reads if reads else None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Sums by counter for each hour since the epoch. `is_fresh`: redis-state answered, too."""

    hours: Mapping[int, Sums]
    is_fresh: bool


def layer_figures(layer: str, sums: Mapping[str, float]) -> LayerFigures:
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


async def read_history(database: Database, state: Redis, prefix: str, *, until: int, hours: int) -> History:
    """The counters whose names begin with `prefix`, in the `hours` hours up to and including `until`."""
    since = until - hours + 1
    fresh = range(max(since, until - _FRESH_HOURS + 1), until + 1)
    try:
        counted, is_fresh = await read_minutes(state, range(fresh.start * 60, fresh.stop * 60)), True
    except REDIS_ERRORS as error:
        log.warning("the counters lack the last minutes, because redis-state is unavailable: %s", error)
        counted, is_fresh = {}, False
    found: dict[int, Sums] = {hour: {} for hour in range(since, until + 1)}
    for hour in fresh:
        found[hour] = _sum_hour(counted, hour, prefix)
    async with database.autocommit() as connection:
        for row in await connection.execute(_HOURS, {"since": since, "until": until, "prefix": prefix}):
            newer = _newer(counted, row.number, row.name, row.minutes)
            found[row.number][row.name] = float(row.value) + newer
    return History(hours=found, is_fresh=is_fresh)


def _sum_hour(counted: Mapping[Minute, Mapping[str, float]], hour: int, prefix: str) -> Sums:
    sums = total(counted.get(minute, {}) for minute in range(hour * 60, hour * 60 + 60))
    return {name: value for name, value in sums.items() if name.startswith(prefix)}


def _newer(counted: Mapping[Minute, Mapping[str, float]], hour: int, name: str, minutes: list[float] | None) -> float:
    """Counts of an hour that redis-state has in addition to the stored row, compared minute by minute."""
    stored = enumerate(minutes or (), start=hour * 60)
    return sum(max(0.0, counted.get(minute, {}).get(name, 0.0) - value) for minute, value in stored)
