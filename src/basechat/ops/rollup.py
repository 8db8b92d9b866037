"""Copies counters from redis-state, which keeps them for two days, to PostgreSQL, which keeps them for 13 months."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from basechat.infra.background import every
from basechat.infra.db import DATABASE_ERRORS, Database, is_transient
from basechat.infra.metrics.counters import LATE_MINUTES, Minute
from basechat.infra.metrics.minutes import KEPT_SECONDS, read_minutes
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.kit import json

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
HOUR = 60
KEPT_HOURS = KEPT_SECONDS // 3600
_LATE_HOURS = LATE_MINUTES // HOUR + 1
_NAME_LENGTH = 200
_DELETE_BATCH = 1000

# Each minute keeps the largest value that was read. So a repeated write changes nothing, and values that Redis has
# lost stay. Rows are locked in one order, so that workers do not deadlock.
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

_CLEAR_MINUTES = text(f"""
    UPDATE metrics_hourly SET minutes = NULL
    WHERE hour >= now() - interval '7 days' AND hour < now() - interval '{KEPT_HOURS + 2} hours' AND minutes IS NOT NULL
""")  # noqa: S608 - composed of a constant

_DELETE = text(f"""
    DELETE FROM metrics_hourly WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM metrics_hourly WHERE hour < now() - interval '13 months' ORDER BY hour LIMIT {_DELETE_BATCH}
    ))
""")  # noqa: S608 - composed of a constant


class RollUp:
    """Rolls up all hours that may have changed, including the present one: an emptied Redis loses minutes, not hours.

    Any number of workers may do it at the same time.
    """

    def __init__(
        self,
        database: Database,
        state: Redis,
        *,
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._state = state
        self._every_seconds = every_seconds
        self._clock = clock
        self._rolled_up = 0  # the hour of the last success

    async def run(self) -> None:
        await every(self._every_seconds, self._try_round)

    async def round(self) -> None:
        # Roll up once. The first round of an hour also deletes old rows.
        hour = int(self._clock() // 3600)
        # Counts that a process could not flush arrive late. After a pause, so do all counts of the pause.
        since = max(hour - KEPT_HOURS + 1, self._rolled_up - _LATE_HOURS)
        for each in range(since, hour + 1):
            await self._roll_up(each)
        if hour != self._rolled_up:
            await self._delete_old()
        self._rolled_up = hour

    async def _try_round(self) -> None:
        try:
            await self.round()
        except (*REDIS_ERRORS, *DATABASE_ERRORS) as error:
            if isinstance(error, DBAPIError) and not is_transient(error):
                raise
            log.warning("counters could not be rolled up, trying again: %s", str(error) or type(error).__name__)

    async def _roll_up(self, hour: int) -> None:
        counted = await read_minutes(self._state, range(hour * HOUR, (hour + 1) * HOUR))
        if rows := _rows(hour, counted):
            async with self._database.autocommit() as connection:
                await connection.execute(_GROW, {"rows": json.dumps(rows).decode()})

    async def _delete_old(self) -> None:
        async with self._database.autocommit() as connection:
            await connection.execute(_CLEAR_MINUTES)
            while (await connection.execute(_DELETE)).rowcount == _DELETE_BATCH:
                pass


def _rows(hour: int, counted: Mapping[Minute, Mapping[str, float]]) -> list[dict[str, Any]]:
    """A row per counter, with its value in each minute of the hour."""
    minutes: dict[str, list[float]] = {}
    for minute, sums in counted.items():
        for name, value in sums.items():
            minutes.setdefault(name, [0.0] * HOUR)[minute - hour * HOUR] = value
    return [{"hour": hour, "name": name, "minutes": m} for name, m in minutes.items() if len(name) <= _NAME_LENGTH]
