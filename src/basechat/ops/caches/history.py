"""Counters hour by hour: what was rolled up, and of the last two hours what redis-state knows beyond that."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from redis.asyncio import Redis
from sqlalchemy import text

from basechat.infra.db import Database
from basechat.infra.metrics.counters import Minute
from basechat.infra.metrics.minutes import read_minutes, total
from basechat.infra.redis import REDIS_ERRORS

log = logging.getLogger(__name__)

_FRESH_HOURS = 2

# Between two bounds: with one alone a plan made for any value would read the whole table.
_HOURS = text("""
    SELECT CAST(extract(epoch FROM hour) / 3600 AS bigint) AS number, name, value, minutes
    FROM metrics_hourly
    WHERE hour BETWEEN to_timestamp(:since * 3600) AND to_timestamp(:until * 3600) AND starts_with(name, :prefix)
""")

Sums = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Sums by counter for each of some hours since the epoch; `is_fresh` where redis-state answered too."""

    hours: Mapping[int, Sums]
    is_fresh: bool


async def read_history(database: Database, state: Redis, prefix: str, *, until: int, hours: int) -> History:
    """Return the counters whose names begin with `prefix` in the hours that end with `until`."""
    since = until - hours + 1
    fresh = range(max(since, until - _FRESH_HOURS + 1), until + 1)
    try:
        counted, is_fresh = await read_minutes(state, range(fresh.start * 60, fresh.stop * 60)), True
    except REDIS_ERRORS as error:
        log.warning("redis-state does not tell the last minutes: %s", error)
        counted, is_fresh = {}, False
    found: dict[int, Sums] = {hour: {} for hour in range(since, until + 1)}
    for hour in fresh:
        found[hour] = _summed(counted, hour, prefix)
    async with database.autocommit() as connection:
        for row in await connection.execute(_HOURS, {"since": since, "until": until, "prefix": prefix}):
            beyond = _beyond(counted, row.number, row.name, row.minutes)
            found[row.number][row.name] = float(row.value) + beyond
    return History(hours=found, is_fresh=is_fresh)


def _summed(counted: Mapping[Minute, Mapping[str, float]], hour: int, prefix: str) -> Sums:
    sums = total(counted.get(minute, {}) for minute in range(hour * 60, hour * 60 + 60))
    return {name: value for name, value in sums.items() if name.startswith(prefix)}


def _beyond(counted: Mapping[Minute, Mapping[str, float]], hour: int, name: str, minutes: list[float] | None) -> float:
    """Return what redis-state knows of an hour beyond its roll-up, minute for minute."""
    known = enumerate(minutes or (), start=hour * 60)
    return sum(max(0.0, counted.get(minute, {}).get(name, 0.0) - value) for minute, value in known)
