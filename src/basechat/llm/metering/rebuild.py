"""Rebuilding counters that redis-state does not have, from the rows of usage."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.infra.redis import REDIS_ERRORS, Redis, load_script
from basechat.infra.redis.circuit_breaker import RedisUnavailableError
from basechat.llm.metering.limits import MINUTE_UNITS, Counter, Subject, to_units
from basechat.llm.metering.reconcile import Reconciler
from basechat.llm.metering.refusals import budget_unknown
from basechat.llm.metering.writer import UsageWriter

log = logging.getLogger(__name__)

LOAD = load_script("basechat.llm.metering", "load")

_KEPT_SECONDS = 86_400  # a window outlives its period, for calls that began in it
_TIMEOUT_SECONDS = 10.0

_HOLDERS: dict[Subject, str] = {"all": "true", "user": "owner_id = :holder", "token": "token_id = :holder"}

# A call in flight counts with its reservation. Calls that may still change are listed: those in flight, and interrupted
# ones, which may only have seemed lost.
_COUNT = {
    subject: text(f"""
        SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(cost), 0) AS cost, count(*) AS requests,
               coalesce(json_agg(json_build_array(id, tokens, CAST(cost AS text)))
                        FILTER (WHERE status IN ('started', 'interrupted')), '[]') AS changeable
        FROM (
            SELECT id, status,
                   CASE WHEN status = 'started' THEN coalesce(reserved_tokens, 0)
                        ELSE coalesce(CAST(prompt_tokens AS bigint), 0) + coalesce(completion_tokens, 0) END AS tokens,
                   coalesce(CASE WHEN status = 'started' THEN reserved_cost ELSE cost END, 0) AS cost
            FROM usage
            WHERE {holder} AND created_at >= :begins AND created_at < :ends AND NOT cached
        ) AS calls
    """)  # noqa: S608 - composed of constants
    for subject, holder in _HOLDERS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTotals:
    """Sums of rows, with money in units. `reservations` are fields of a window: `tokens:cost` by the id of a call."""

    tokens: int
    cost: int
    requests: int
    reservations: dict[str, str]


async def sum_rows(connection: AsyncConnection, counter: Counter) -> RowTotals:
    values: dict[str, object] = {"begins": counter.begins, "ends": counter.ends}
    if counter.applied.holder is not None:
        values["holder"] = counter.applied.holder
    row = (await connection.execute(_COUNT[counter.applied.limit.subject], values)).one()
    return RowTotals(
        tokens=int(row.tokens),
        cost=to_units(row.cost),
        requests=row.requests,
        reservations={call: f"{tokens}:{to_units(Decimal(cost))}" for call, tokens, cost in row.changeable},
    )


class CounterLoader:
    """Rebuilds missing counters. Concurrent callers of this process share one rebuild of a counter."""

    def __init__(self, state: Redis, database: Database, writer: UsageWriter, reconciler: Reconciler) -> None:
        self._database = database
        self._writer = writer
        self._reconciler = reconciler
        self._load = state.register_script(LOAD)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def load(self, counters: Sequence[Counter]) -> None:
        """Raises `RedisUnavailableError`, and `GatewayError` if a budget can't be read from PostgreSQL."""
        await asyncio.gather(*(self._load_once(counter) for counter in counters))

    async def _load_once(self, counter: Counter) -> None:
        task = self._tasks.get(counter.key)
        if task is None:
            task = self._tasks[counter.key] = asyncio.create_task(self._rebuild(counter))
            task.add_done_callback(partial(self._forget, counter.key))
        await asyncio.shield(task)

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # callers that still wait get it, too

    async def _rebuild(self, counter: Counter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._writer.flush()
                if counter.is_bucket:
                    await self._load_bucket(counter)
                else:
                    await self._load_window(counter)
        except REDIS_ERRORS as error:
            raise RedisUnavailableError from error
        except (*DATABASE_ERRORS, TimeoutError) as error:
            log.warning("a budget can't be read from PostgreSQL: %s", error)
            raise budget_unknown() from None

    async def _load_window(self, counter: Counter) -> None:
        async with self._database.autocommit() as connection:
            totals = await sum_rows(connection, counter)
        expires = int((counter.ends.timestamp() + _KEPT_SECONDS) * 1000)
        fields = [part for pair in totals.reservations.items() for part in pair]
        await self._load(keys=[counter.key], args=[expires, "tokens", totals.tokens, "cost", totals.cost, *fields])
        # A call that ended between the sum and this point found no counter to settle in.
        await self._reconciler.settle_ended(counter.key, totals.reservations)

    async def _load_bucket(self, counter: Counter) -> None:
        """Rebuild from the last minute; while PostgreSQL is unreachable, start with a full bucket."""
        now = datetime.now(UTC)
        last_minute = replace(counter, begins=now - timedelta(minutes=1), ends=now + timedelta(minutes=1))
        requests = tokens = 0
        try:
            async with self._database.autocommit() as connection:
                totals = await sum_rows(connection, last_minute)
                requests, tokens = totals.requests, totals.tokens
        except DATABASE_ERRORS as error:
            log.warning("a limit per minute can't be read from PostgreSQL: %s", error)
        used = {"requests": (counter.requests, requests), "tokens": (counter.tokens, tokens)}
        left = [(name, (bound - used) * MINUTE_UNITS) for name, (bound, used) in used.items() if bound is not None]
        await self._load(keys=[counter.key], args=["", *(part for pair in left for part in pair)])
