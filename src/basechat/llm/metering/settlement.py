"""Settlement: after the row of a call is committed, its reservation in redis-state becomes its usage."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from uuid import UUID

from basechat.infra.background import background
from basechat.infra.redis import DELETE_IF_EQUAL, REDIS_ERRORS, EncodableT, Redis, load_script
from basechat.llm.metering.call import Call
from basechat.llm.metering.limits import Planner, to_units

log = logging.getLogger(__name__)

SETTLE = load_script("basechat.llm.metering", "settle")

BATCH = 500
MAX_WAITING = 20_000  # calls; reconciliation settles the others from their rows
_GATHER_SECONDS = 0.01
_PAUSE_SECONDS = 0.5
_FLUSH_SECONDS = 3.0


class SettlementQueue:
    """Settles calls in batches. A batch without a reply is sent again, which changes nothing the second time."""

    def __init__(self, state: Redis, planner: Planner) -> None:
        self._state = state
        self._planner = planner
        self._settle = state.register_script(SETTLE)
        self._release = state.register_script(DELETE_IF_EQUAL)
        self._waiting: dict[UUID, Call] = {}
        self._claims: list[tuple[str, bytes]] = []
        self._wake = asyncio.Event()

    def add(self, calls: Iterable[Call]) -> None:
        for call in calls:
            if not call.cached and len(self._waiting) < MAX_WAITING:
                self._waiting[call.id] = call
        self._wake.set()

    def release(self, key: str, leader: bytes) -> None:
        if len(self._claims) < MAX_WAITING:  # the others expire
            self._claims.append((key, leader))
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with background(self._run()):
            yield
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                while (self._waiting or self._claims) and await self._settle_batch():
                    pass
        except TimeoutError:
            log.warning("no time to settle all calls in redis-state; reconciliation settles them")

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._wake.clear()
            if not await self._settle_batch():
                await asyncio.sleep(_PAUSE_SECONDS)
            if self._waiting or self._claims:
                self._wake.set()

    async def _settle_batch(self) -> bool:
        """Whether redis-state has replied."""
        batch, claims = list(islice(self._waiting.values(), BATCH)), self._claims[:BATCH]
        try:
            await self._send(batch, claims)
        except REDIS_ERRORS as error:
            log.warning("calls can't be settled in redis-state yet: %s", error)
            return False
        for call in batch:
            del self._waiting[call.id]
        del self._claims[: len(claims)]
        return True

    async def _send(self, calls: Sequence[Call], claims: Sequence[tuple[str, bytes]]) -> None:
        async with self._state.pipeline(transaction=False) as pipeline:
            for call in calls:
                if keys := self._planner.plan(call.caller, call.began).keys:
                    args: list[EncodableT] = [str(call.id), call.used_tokens, to_units(call.cost)]
                    args += [int(call.status == "withdrawn"), 0]
                    await self._settle(keys=keys, args=args, client=pipeline)
            for key, leader in claims:
                await self._release(keys=[key], args=[leader], client=pipeline)
            if len(pipeline):
                await pipeline.execute()
