"""Counters by the minute in redis-state: the sum over all processes, to which each process adds exactly once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from basechat.infra.background import background, every
from basechat.infra.metrics.counters import Counters, Minute
from basechat.infra.redis import REDIS_ERRORS, Redis, as_bytes, load_script

log = logging.getLogger(__name__)

KEPT_SECONDS = 48 * 3600
FLUSH_SECONDS = 1.0
_LAST_FLUSH_SECONDS = 2.0
_MARK = "."  # prefix of the fields of a hash that are not counters: see `add_batch.lua`
_READ_AT_ONCE = 240  # hashes; more would block the server and the event loop
_ADD_BATCH = load_script("basechat.infra.metrics", "add_batch")


def minute_key(minute: Minute) -> str:
    return f"metrics:{minute}"


async def read_minutes(state: Redis, minutes: Collection[Minute]) -> dict[Minute, Mapping[str, float]]:
    """Read the counters of each minute that has any; raises `REDIS_ERRORS`."""
    wanted = list(minutes)
    found: dict[Minute, Mapping[str, float]] = {}
    for start in range(0, len(wanted), _READ_AT_ONCE):
        batch = wanted[start : start + _READ_AT_ONCE]
        async with state.pipeline(transaction=False) as pipeline:
            for minute in batch:
                pipeline.hgetall(minute_key(minute))
            replies = await pipeline.execute()
        found |= {minute: _counters(reply) for minute, reply in zip(batch, replies, strict=True) if reply}
    return found


def total(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def _counters(reply: Mapping[bytes, bytes]) -> dict[str, float]:
    named = ((as_bytes(name).decode(), value) for name, value in reply.items())
    return {name: float(value) for name, value in named if not name.startswith(_MARK)}


@dataclass(frozen=True, slots=True)
class _Batch:
    number: int
    minute: Minute
    sums: Mapping[str, float]


class Flusher:
    """Adds this process's counters to the hashes of their minutes."""

    def __init__(self, counters: Counters, state: Redis) -> None:
        self._counters = counters
        self._add = state.register_script(_ADD_BATCH)
        self._mark = _MARK + uuid4().hex[:12]
        self._sent: _Batch | None = None
        self._number = 0
        self._is_failing = False

    @asynccontextmanager
    async def flushing(self) -> AsyncIterator[None]:
        """Flush each second, and a last time at the end, with a short timeout."""
        try:
            async with background(every(FLUSH_SECONDS, self.flush)):
                yield
        finally:
            try:
                async with asyncio.timeout(_LAST_FLUSH_SECONDS):
                    await self.flush()
            except TimeoutError:
                log.warning("the last counters could not be flushed in time")

    async def flush(self) -> None:
        """Send new counters. A batch without a reply is sent again at the next flush, before all others."""
        self._counters.close_minute()
        try:
            await self._confirm()
            for minute, sums in self._counters.take_minutes():
                self._number += 1
                self._sent = _Batch(self._number, minute, sums)
                await self._confirm()
            self._is_failing = False
        except REDIS_ERRORS as error:
            if not self._is_failing:
                log.warning("counters wait for redis-state: %s", str(error) or type(error).__name__)
            self._is_failing = True

    async def _confirm(self) -> None:
        if (batch := self._sent) is None:
            return
        if self._counters.is_over(batch.minute):
            log.warning("counters of the minute %d may not have been flushed", batch.minute)
            self._sent = None
            return
        pairs = (part for name, value in batch.sums.items() for part in (name, repr(value)))
        await self._add(keys=[minute_key(batch.minute)], args=[self._mark, batch.number, KEPT_SECONDS, *pairs])
        self._sent = None
