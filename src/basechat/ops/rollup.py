"""Carries counters from redis-state, where they live for two days, into PostgreSQL, where they live for 13 months."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from basechat.infra.background import every
from basechat.infra.db import DATABASE_ERRORS, Database, is_transient
from basechat.infra.metrics.counters import LATE_MINUTES, Minute
from basechat.infra.metrics.minutes import KEPT_SECONDS, read_minutes
from basechat.infra.redis import REDIS_ERRORS
from basechat.kit import json

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
HOUR = 60
KEPT_HOURS = KEPT_SECONDS // 3600
_LATE_HOURS = LATE_MINUTES // HOUR + 1
_NAME_LENGTH = 200
_DELETED_AT_ONCE = 1000

# Each minute grows to the most that was ever seen of it: the same again changes nothing, whoever writes it, and what
# Redis lost is not taken back. Rows are locked in one order, so that workers don't block one another for good.
_MERGED = "SELECT {} FROM unnest(m.minutes, excluded.minutes) WITH ORDINALITY AS each (old, new, at)"
_GROW = text(f"""
    INSERT INTO metrics_hourly AS m (hour, name, value, minutes)
    SELECT to_timestamp(r.hour * 3600), r.name, (SELECT sum(v) FROM unnest(r.minutes) AS v), r.minutes
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (hour bigint, name text, minutes double precision[])
    ORDER BY r.hour, r.name
    ON CONFLICT (hour, name) DO UPDATE SET
        minutes = ARRAY({_MERGED.format("greatest(old, new)")} ORDER BY at),
        value = ({_MERGED.format("sum(greatest(old, new))")})
    WHERE EXISTS ({_MERGED.format("1")} WHERE new > old)
""")  # noqa: S608 - composed of constants

_FORGET_MINUTES = text(f"""
    UPDATE metrics_hourly SET minutes = NULL
    WHERE hour >= now() - interval '7 days' AND hour < now() - interval '{KEPT_HOURS + 2} hours' AND minutes IS NOT NULL
""")  # noqa: S608 - composed of a constant

_DELETE = text(f"""
    DELETE FROM metrics_hourly WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM metrics_hourly WHERE hour < now() - interval '13 months' ORDER BY hour LIMIT {_DELETED_AT_ONCE}
    ))
""")  # noqa: S608 - composed of a constant


class RollUp:
    """Rolls up the hours that may have grown, the present one too, so that an emptied Redis loses minutes, not hours.

    Any number of workers may do it at once.
    """

    def __init__(self, database: Database, state: Redis, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._state = state
        self._clock = clock
        self._rolled_up = 0  # the hour in which it went well the last time

    async def run(self) -> None:
        """Do it each minute, for ever."""
        await every(EVERY_SECONDS, self._round_in_any_weather)

    async def round(self) -> None:
        """Roll up once; where it is the first time in an hour, clear away what is over."""
        hour = int(self._clock() // 3600)
        # What processes could not flush comes late; after a pause, so does all that was counted meanwhile.
        since = max(hour - KEPT_HOURS + 1, self._rolled_up - _LATE_HOURS)
        for each in range(since, hour + 1):
            await self._roll_up(each)
        if hour != self._rolled_up:
            await self._clear_away()
        self._rolled_up = hour

    async def _round_in_any_weather(self) -> None:
        try:
            await self.round()
        except (*REDIS_ERRORS, *DATABASE_ERRORS) as error:
            if isinstance(error, DBAPIError) and not is_transient(error):
                raise
            log.warning("counters are rolled up later: %s", str(error) or type(error).__name__)

    async def _roll_up(self, hour: int) -> None:
        counted = await read_minutes(self._state, range(hour * HOUR, (hour + 1) * HOUR))
        if rows := _rows(hour, counted):
            async with self._database.autocommit() as connection:
                await connection.execute(_GROW, {"rows": json.dumps(rows).decode()})

    async def _clear_away(self) -> None:
        async with self._database.autocommit() as connection:
            await connection.execute(_FORGET_MINUTES)
            while (await connection.execute(_DELETE)).rowcount == _DELETED_AT_ONCE:
                pass


def _rows(hour: int, counted: Mapping[Minute, Mapping[str, float]]) -> list[dict[str, Any]]:
    """Return a row per counter, with its value in each minute of the hour."""
    minutes: dict[str, list[float]] = {}
    for minute, sums in counted.items():
        for name, value in sums.items():
            minutes.setdefault(name, [0.0] * HOUR)[minute - hour * HOUR] = value
    return [{"hour": hour, "name": name, "minutes": m} for name, m in minutes.items() if len(name) <= _NAME_LENGTH]
