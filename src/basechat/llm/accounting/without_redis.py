"""Limits while redis-state is away: budgets reserve in PostgreSQL, what is per minute is a share of each process."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from uuid import UUID

from sqlalchemy import text

from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.llm.accounting.counters import MINUTE_UNITS, Counter, Plan
from basechat.llm.accounting.limits import Limits
from basechat.llm.accounting.money import to_units
from basechat.llm.accounting.rebuild import count_rows, uncounted
from basechat.llm.accounting.refusals import Level, rate_headers, refusal
from basechat.llm.usage.call import Call
from basechat.llm.usage.row import insert_rows, row_of

log = logging.getLogger(__name__)

MOST_BUCKETS = 10_000

# Whoever holds the rows of the limits reserves; the others wait, and then see what was reserved. What redis-state
# counted so far lacks this call, so the limits get a new generation, which is counted from the rows.
_LOCK = text("""
    WITH held AS (SELECT id FROM budgets WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
    UPDATE budgets SET generation = generation + 1 FROM held WHERE budgets.id = held.id
    RETURNING budgets.id, generation
""")


@dataclass(slots=True)
class _Bucket:
    """What is left of this process's share, and when that was; by this machine's own clock, in ms."""

    at: int
    requests: Level
    tokens: Level


class WithoutRedis:
    """Admits calls while redis-state is away."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._buckets: dict[str, _Bucket] = {}

    async def admit(self, plan: Plan, call: Call, *, living: int) -> Mapping[str, str]:
        """Reserve for a call among so many processes; returns its headers. Raises `GatewayError`."""
        shares = [_share(counter, living) for counter in plan.buckets]
        buckets = [self._filled(share) for share in shares]
        for share, bucket in zip(shares, buckets, strict=True):
            _check(share, bucket, call.reserved_tokens)
        if plan.windows:
            await self._reserve(plan, call)
        levels: list[Level] = []
        for bucket in buckets:
            if bucket.requests is not None:
                bucket.requests -= MINUTE_UNITS
            if bucket.tokens is not None:
                bucket.tokens -= call.reserved_tokens * MINUTE_UNITS
            levels += [bucket.requests, bucket.tokens]
        return rate_headers(shares, levels)

    async def _reserve(self, plan: Plan, call: Call) -> None:
        """Reserve in all windows, or in none, and commit the call's row with it."""
        try:
            async with self._database.system_transaction() as connection:
                ids = list({counter.applied.limit.id for counter in plan.windows})
                held = list(await connection.execute(_LOCK, {"ids": ids}))
                for counter in plan.windows:
                    count = await count_rows(connection, counter)
                    _check_window(counter, count.tokens, count.cost, call)
                await insert_rows(connection, [row_of(call)])
        except DATABASE_ERRORS as error:
            log.warning("a budget can't be reserved: %s", error)
            raise uncounted() from None
        generations: dict[UUID, int] = {row.id: row.generation for row in held}
        self._limits.advance(generations)

    def _filled(self, share: Counter) -> _Bucket:
        now = int(time.monotonic() * 1000)
        bucket = self._buckets.get(share.key)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets.clear()
            bucket = self._buckets[share.key] = _Bucket(now, None, None)
        passed, bucket.at = now - bucket.at, now
        bucket.requests = _fill(bucket.requests, share.requests, passed)
        bucket.tokens = _fill(bucket.tokens, share.tokens, passed)
        return bucket


def _share(counter: Counter, living: int) -> Counter:
    parts = max(living, 1)
    return replace(
        counter,
        requests=None if counter.requests is None else ceil(counter.requests / parts),
        tokens=None if counter.tokens is None else ceil(counter.tokens / parts),
    )


def _fill(level: Level, bound: int | None, passed: int) -> Level:
    if bound is None:
        return None
    most = bound * MINUTE_UNITS
    return most if level is None else min(most, level + passed * bound)


def _check(share: Counter, bucket: _Bucket, tokens: int) -> None:
    headers = rate_headers([share], [bucket.requests, bucket.tokens])
    if bucket.requests is not None and bucket.requests < MINUTE_UNITS:
        wait = ceil((MINUTE_UNITS - bucket.requests) / (share.requests or 1))
        raise refusal(share, "requests", bucket.requests, wait, 1, headers)
    if bucket.tokens is not None and bucket.tokens < tokens * MINUTE_UNITS:
        bound = share.tokens or 1
        wait = ceil((min(tokens, bound) * MINUTE_UNITS - bucket.tokens) / bound)
        raise refusal(share, "tokens", bucket.tokens, wait, tokens, headers)


def _check_window(counter: Counter, tokens: int, cost: int, call: Call) -> None:
    if counter.tokens is not None and tokens + call.reserved_tokens > counter.tokens:
        raise refusal(counter, "tokens", tokens, 0, call.reserved_tokens)
    wanted = to_units(call.reserved_cost)
    if counter.cost is not None and cost + wanted > counter.cost:
        raise refusal(counter, "cost", cost, 0, wanted)
