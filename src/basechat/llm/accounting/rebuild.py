"""Making counters that redis-state does not have: from the rows of `usage` and the journals of all processes."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.infra.redis.circuit_breaker import RedisUnavailableError
from basechat.kit import json
from basechat.llm.accounting.counters import MINUTE_UNITS, Counter
from basechat.llm.accounting.ledger import Ledger
from basechat.llm.accounting.limits import Subject
from basechat.llm.accounting.memory import BEAT_SECONDS
from basechat.llm.accounting.money import to_units
from basechat.llm.accounting.scripts import LOAD_BUCKET, LOAD_WINDOW, SETTLED
from basechat.llm.errors import GatewayError

log = logging.getLogger(__name__)

GRACE_SECONDS = BEAT_SECONDS + 0.5
"""How long after a loss windows are made: by then every living process has told its open calls again."""

_KEPT_SECONDS = 86_400  # a window is kept beyond its end, for calls that began in it
_LOCK_MS = 10_000
_WAIT_SECONDS = 10.0
_POLL_SECONDS = 0.02

_WHOSE: dict[Subject, str] = {"all": "true", "user": "owner_id = :who", "token": "token_id = :who"}

# What is settled, and of what goes on its reservation; of the last minute's ends the ids, and which calls are known.
_COUNT = {
    subject: text(f"""
        SELECT coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0))
                        FILTER (WHERE status <> 'started'), 0) AS tokens,
               coalesce(sum(cost) FILTER (WHERE status <> 'started'), 0) AS cost,
               count(*) AS requests,
               coalesce(sum(reserved_tokens) FILTER (WHERE status = 'started'), 0) AS open_tokens,
               coalesce(sum(reserved_cost) FILTER (WHERE status = 'started'), 0) AS open_cost,
               coalesce(json_agg(json_build_array(id, coalesce(reserved_tokens, 0),
                                                  CAST(coalesce(reserved_cost, 0) AS text)))
                        FILTER (WHERE status = 'started'), '[]') AS open,
               coalesce(array_agg(id) FILTER (WHERE settled_at > now() - interval '60 seconds'), '{{}}') AS recent,
               coalesce(array_agg(id) FILTER (WHERE id = ANY(:journalled)), '{{}}') AS known
        FROM usage
        WHERE {whose} AND created_at >= :begins AND created_at < :ends AND NOT cached
    """)  # noqa: S608 - composed of constants
    for subject, whose in _WHOSE.items()
}

_ENDED_SINCE = text("""
    SELECT id, owner_id, token_id, coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0) AS tokens,
           coalesce(cost, 0) AS cost, created_at
    FROM usage WHERE id = ANY(:ids) AND status <> 'started'
""")


@dataclass(slots=True, kw_only=True)
class Count:
    """What a counter comes to: money in units, and the fields of calls in it."""

    tokens: int = 0
    cost: int = 0
    requests: int = 0
    fields: dict[str, str] = field(default_factory=dict)


async def count_rows(connection: AsyncConnection, counter: Counter, journal: Sequence[dict[str, Any]] = ()) -> Count:
    """Return what a counter comes to by the rows, and by the entries of a journal that have no row."""
    applied = counter.applied
    values: dict[str, Any] = {
        "begins": counter.begins, "ends": counter.ends, "journalled": [entry["id"] for entry in journal]
    }  # fmt: skip
    if applied.who is not None:
        values["who"] = applied.who
    row = (await connection.execute(_COUNT[applied.limit.subject], values)).one()
    count = Count(
        tokens=int(row.tokens) + int(row.open_tokens),
        cost=to_units(row.cost + row.open_cost),
        requests=row.requests,
        fields={str(each): SETTLED for each in row.recent}
        | {call: f"{tokens}:{to_units(Decimal(cost))}" for call, tokens, cost in row.open},
    )
    known = {str(each) for each in row.known}
    for entry in journal:
        if entry["id"] not in known:
            _add(count, entry)
    return count


class Rebuild:
    """Makes counters, each by one process at a time."""

    def __init__(self, state: Redis, database: Database, ledger: Ledger) -> None:
        self._state = state
        self._database = database
        self._ledger = ledger
        self._load_window = state.register_script(LOAD_WINDOW)
        self._load_bucket = state.register_script(LOAD_BUCKET)
        self._making: dict[str, asyncio.Task[None]] = {}

    async def make(self, counters: Sequence[Counter]) -> None:
        """Make counters; raises `RedisUnavailableError`, and `GatewayError` where PostgreSQL is away too.

        Where the server has lost its memory only now, nothing is made: the counters have other names then.
        """
        await asyncio.gather(*(self._make_once(counter) for counter in counters))

    async def _make_once(self, counter: Counter) -> None:
        task = self._making.get(counter.key)
        if task is None:
            task = self._making[counter.key] = asyncio.create_task(self._make(counter))
            task.add_done_callback(partial(self._made, counter.key))
        await asyncio.shield(task)

    def _made(self, key: str, task: asyncio.Task[None]) -> None:
        del self._making[key]
        if not task.cancelled():
            task.exception()  # whoever waits is told; where nobody does any more, nobody has to be

    async def _make(self, counter: Counter) -> None:
        began = self._ledger.memory.began
        if not await self._ledger.beat():
            raise RedisUnavailableError
        if self._ledger.memory.began != began:
            return
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                if counter.is_window:
                    await asyncio.sleep(max(GRACE_SECONDS - self._ledger.memory.age_ms / 1000, 0))
                lock = f"budget:making:{counter.key}"
                while not await self._state.set(lock, self._ledger.memory.process, nx=True, px=_LOCK_MS):
                    if await self._state.exists(counter.key):
                        return
                    await asyncio.sleep(_POLL_SECONDS)
                try:
                    await self._load(counter)
                finally:
                    await self._state.delete(lock)
        except REDIS_ERRORS as error:
            raise RedisUnavailableError from error
        except (*DATABASE_ERRORS, TimeoutError) as error:
            log.warning("a budget can't be counted anew: %s", error)
            raise uncounted() from None

    async def _load(self, counter: Counter) -> None:
        if counter.is_bucket:
            now = datetime.now(UTC)
            last = replace(counter, begins=now - timedelta(minutes=1), ends=now + timedelta(minutes=1))
            async with self._database.autocommit() as connection:
                count = await count_rows(connection, last)
            levels = (_rest(counter.requests, count.requests), _rest(counter.tokens, count.tokens))
            await self._load_bucket(keys=[counter.key], args=levels)
            return
        journal = await self._journal(counter)
        async with self._database.autocommit() as connection:
            count = await count_rows(connection, counter, journal)
        expires = int((counter.ends.timestamp() + _KEPT_SECONDS) * 1000)
        fields = [part for pair in count.fields.items() for part in pair]
        await self._load_window(keys=[counter.key], args=[count.tokens, count.cost, expires, *fields])
        await self._settle_ended([call for call, said in count.fields.items() if said != SETTLED])

    async def _settle_ended(self, calls: Sequence[str]) -> None:
        """Settle what ended while the window was made: whoever did so may have found no window."""
        if not calls:
            return
        async with self._database.autocommit() as connection:
            rows = list(await connection.execute(_ENDED_SINCE, {"ids": calls}))
        await self._ledger.closed(rows)

    async def _journal(self, counter: Counter) -> list[dict[str, Any]]:
        """Return the entries of all processes that count here."""
        keys = await self._ledger.memory.journals()
        async with self._state.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
            journals = cast("list[dict[bytes, bytes]]", await pipeline.execute())
        entries = (json.loads(said) for journal in journals for name, said in journal.items() if b":" not in name)
        return [entry for entry in entries if _counts(counter, entry)]


def uncounted() -> GatewayError:
    """Return the refusal of a call whose budget nobody can count now."""
    return GatewayError(
        503, "Your budget can't be counted at this moment. Try again soon.", code="budget_unknown", retry_after="5"
    )


def _counts(counter: Counter, entry: dict[str, Any]) -> bool:
    if entry["cached"] or not counter.begins.timestamp() <= entry["began_at"] < counter.ends.timestamp():
        return False
    who, subject = counter.applied.who, counter.applied.limit.subject
    return subject == "all" or entry["owner_id" if subject == "user" else "token_id"] == str(who)


def _add(count: Count, entry: dict[str, Any]) -> None:
    """Add an entry of a journal that has no row yet."""
    if entry["status"] == "started":
        tokens, cost = entry["reserved_tokens"], _units(entry["reserved_cost"])
        count.fields[entry["id"]] = f"{tokens}:{cost}"
    else:
        tokens, cost = (entry["prompt_tokens"] or 0) + (entry["completion_tokens"] or 0), _units(entry["cost"])
        count.fields[entry["id"]] = SETTLED
    count.tokens += tokens
    count.cost += cost
    count.requests += 1


def _units(dollars: str | None) -> int:
    return to_units(Decimal(dollars)) if dollars else 0


def _rest(bound: int | None, used: int) -> int | str:
    return "" if bound is None else (bound - used) * MINUTE_UNITS
