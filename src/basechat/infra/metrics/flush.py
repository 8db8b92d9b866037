"""Carries the counters of this process to redis-state, each second and when it stops."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from basechat.infra.background import background, every
from basechat.infra.metrics.counters import Counters, Minute
from basechat.infra.metrics.minutes import KEPT_SECONDS, MARK, minute_key
from basechat.infra.redis import REDIS_ERRORS, Redis, load_script

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
_LAST_SECONDS = 2.0

_ADD_BATCH = load_script("basechat.infra.metrics", "add_batch")


@dataclass(frozen=True, slots=True)
class _Batch:
    number: int
    minute: Minute
    sums: Mapping[str, float]


class Flusher:
    """Adds what was counted to the hash of its minute, exactly once."""

    def __init__(self, counters: Counters, state: Redis) -> None:
        self._counters = counters
        self._add = state.register_script(_ADD_BATCH)
        self._mark = MARK + uuid4().hex[:12]
        self._sent: _Batch | None = None
        self._number = 0
        self._is_away = False

    @asynccontextmanager
    async def flushing(self) -> AsyncIterator[None]:
        """Flush each second, and a last time in the end, for which there is not much time."""
        try:
            async with background(every(EVERY_SECONDS, self.flush)):
                yield
        finally:
            try:
                async with asyncio.timeout(_LAST_SECONDS):
                    await self.flush()
            except TimeoutError:
                log.warning("what was counted last could not be flushed in time")

    async def flush(self) -> None:
        """Send what waits; what the server does not confirm is sent again the next time, before anything else."""
        self._counters.close_minute()
        try:
            await self._confirm()
            for minute, sums in self._counters.take_minutes():
                self._number += 1
                self._sent = _Batch(self._number, minute, sums)
                await self._confirm()
            self._is_away = False
        except REDIS_ERRORS as error:
            if not self._is_away:
                log.warning("counters wait for redis-state: %s", str(error) or type(error).__name__)
            self._is_away = True

    async def _confirm(self) -> None:
        if (batch := self._sent) is None:
            return
        if self._counters.is_over(batch.minute):
            log.warning("nobody knows whether counters of the minute %d were flushed", batch.minute)
            self._sent = None
            return
        pairs = (part for name, value in batch.sums.items() for part in (name, repr(value)))
        await self._add(keys=[minute_key(batch.minute)], args=[self._mark, batch.number, KEPT_SECONDS, *pairs])
        self._sent = None
