"""Limits while redis-state is unreachable: budgets reserve in PostgreSQL, each process has a share of each minute."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from sqlalchemy import text

from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.kit.ids import new_id
from basechat.llm.metering.call import Call
from basechat.llm.metering.limits import MINUTE_UNITS, Counter, LimitCache, Plan, to_units
from basechat.llm.metering.rebuild import sum_rows
from basechat.llm.metering.refusals import Level, budget_unknown, rate_headers, refusal
from basechat.llm.metering.writer import UsageWriter, insert_calls

log = logging.getLogger(__name__)

MAX_BUCKETS = 10_000
HEARTBEAT_SECONDS = 1.0
DEAD_AFTER_SECONDS = 10.0

_PROCESSES = "usage:processes"
"""The processes of the gateway, by the time of their last heartbeat."""

# The lock on the limits makes concurrent calls wait, so that each sees the reservations before it. Counters in
# redis-state lack this call, so a new version of the limits replaces them.
_LOCK = text("""
    WITH held AS (SELECT id FROM budgets WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
    UPDATE budgets SET generation = generation + 1 FROM held WHERE budgets.id = held.id
    RETURNING budgets.id, generation
""")


class Membership:
    """Counts the processes of the gateway, which share the limits per minute while redis-state is unreachable."""

    def __init__(self, state: Redis) -> None:
        self._state = state
        self._process = new_id().hex
        self.size = 1

    async def heartbeat(self) -> None:
        now = time.time()
        try:
            async with self._state.pipeline(transaction=False) as pipeline:
                pipeline.zadd(_PROCESSES, {self._process: now})
                pipeline.zremrangebyscore(_PROCESSES, "-inf", now - DEAD_AFTER_SECONDS)
                pipeline.zcard(_PROCESSES)
                *_, self.size = await pipeline.execute()
        except REDIS_ERRORS as error:
            log.debug("no heartbeat: %s", error)

    async def leave(self) -> None:
        try:
            await self._state.zrem(_PROCESSES, self._process)
        except REDIS_ERRORS as error:
            log.warning("this process counts as alive for %d s: %s", DEAD_AFTER_SECONDS, error)


@dataclass(slots=True)
class _Bucket:
    """What is left of this process's share at a time of its own clock, in ms."""

    at: int
    requests: Level
    tokens: Level


class WithoutRedis:
    """Admits calls while redis-state is unreachable."""

    def __init__(self, database: Database, limits: LimitCache, writer: UsageWriter) -> None:
        self._database = database
        self._limits = limits
        self._writer = writer
        self._buckets: dict[str, _Bucket] = {}

    async def admit(self, plan: Plan, call: Call, *, processes: int) -> Mapping[str, str]:
        """Reserve for a call; returns its headers. Raises `GatewayError`."""
        shares = [_share(counter, processes) for counter in plan.buckets]
        buckets = [self._refilled(share) for share in shares]
        for share, bucket in zip(shares, buckets, strict=True):
            _check_bucket(share, bucket, call.reserved_tokens)
        _take(buckets, 1, call.reserved_tokens)  # before concurrent calls are checked
        levels = [level for bucket in buckets for level in (bucket.requests, bucket.tokens)]
        try:
            if plan.windows:
                await self._reserve(plan, call)
        except BaseException:
            _take(buckets, -1, -call.reserved_tokens)
            raise
        return rate_headers(shares, levels)

    async def _reserve(self, plan: Plan, call: Call) -> None:
        """Reserve in all windows by committing the call's row, or raise."""
        await self._writer.flush()
        try:
            async with self._database.system_transaction() as connection:
                ids = list({counter.applied.limit.id for counter in plan.windows})
                held = list(await connection.execute(_LOCK, {"ids": ids}))
                for counter in plan.windows:
                    totals = await sum_rows(connection, counter)
                    _check_window(counter, totals.tokens, totals.cost, call)
                self._writer.note_row(call)
                await insert_calls(connection, [call])
        except DATABASE_ERRORS as error:
            log.warning("a budget can't be reserved: %s", error)
            raise budget_unknown() from None
        self._limits.set_versions({row.id: row.generation for row in held})

    def _refilled(self, share: Counter) -> _Bucket:
        now = int(time.monotonic() * 1000)
        bucket = self._buckets.get(share.key)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self._buckets.clear()
            bucket = self._buckets[share.key] = _Bucket(now, None, None)
        elapsed, bucket.at = now - bucket.at, now
        bucket.requests = _refill(bucket.requests, share.requests, elapsed)
        bucket.tokens = _refill(bucket.tokens, share.tokens, elapsed)
        return bucket


def _share(counter: Counter, processes: int) -> Counter:
    parts = max(processes, 1)
    return replace(
        counter,
        requests=None if counter.requests is None else ceil(counter.requests / parts),
        tokens=None if counter.tokens is None else ceil(counter.tokens / parts),
    )


def _refill(level: Level, bound: int | None, elapsed_ms: int) -> Level:
    if bound is None:
        return None
    full = bound * MINUTE_UNITS
    return full if level is None else min(full, level + elapsed_ms * bound)


def _take(buckets: Sequence[_Bucket], requests: int, tokens: int) -> None:
    for bucket in buckets:
        if bucket.requests is not None:
            bucket.requests -= requests * MINUTE_UNITS
        if bucket.tokens is not None:
            bucket.tokens -= tokens * MINUTE_UNITS


def _check_bucket(share: Counter, bucket: _Bucket, tokens: int) -> None:
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
        raise refusal(counter, "tokens", tokens, 0, call.reserved_tokens, {})
    wanted = to_units(call.reserved_cost)
    if counter.cost is not None and cost + wanted > counter.cost:
        raise refusal(counter, "cost", cost, 0, wanted, {})
