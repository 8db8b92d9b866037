"""Settling calls in redis-state, in batches beside the calls: the journal of those that go on, and what each used."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from basechat.infra.background import background
from basechat.infra.redis import DELETE_IF_EQUAL, REDIS_ERRORS, EncodableT, Pipeline, Redis
from basechat.infra.redis.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.llm.accounting.counters import NO_PLAN, Plan, Planner
from basechat.llm.accounting.memory import BEAT_SECONDS, Memory
from basechat.llm.accounting.money import to_units
from basechat.llm.accounting.scripts import SETTLE
from basechat.llm.accounting.settlement import Entry, Said, Settlement, is_counted, settlement_of
from basechat.llm.usage.call import Call
from basechat.llm.usage.row import row_of
from basechat.protocol import Caller

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.02
BATCH = 500
MOST_ENTRIES = 20_000  # calls; of more, with redis-state away for long, PostgreSQL alone knows
_PAUSE = 0.5
_FLUSH_SECONDS = 3.0
_BEAT_PATIENCE = 2.0
_NOBODY = UUID(int=0)
"""Whoever an account that is gone was of; everybody's limits still count its calls."""


_Fields = dict[EncodableT, EncodableT]


class Ledger:
    """Keeps the journal and settles calls. What redis-state does not hear now it hears when it is back.

    Everything about a call after its admission goes through one task in order, and may be said twice.
    """

    def __init__(self, state: Redis, planner: Planner, *, scripts: Sequence[str] = ()) -> None:
        self.memory = Memory(state, CircuitBreaker("redis-state", seconds=_BEAT_PATIENCE), scripts=(*scripts, SETTLE))
        self._state = state
        self._planner = planner
        self._settle = state.register_script(SETTLE)
        self._release = state.register_script(DELETE_IF_EQUAL)
        self._entries: dict[UUID, Entry] = {}
        self._due: dict[UUID, Entry] = {}
        self._wake = asyncio.Event()
        self.overflowed = False
        """Whether calls were dropped that counters may lack; who sees it has everything counted anew."""

    def open(self, call: Call, counted: Iterable[str] = (), *, known: bool = True) -> None:
        """Note a call that was admitted, the windows that have it, and whether the journal does."""
        if len(self._entries) >= MOST_ENTRIES:
            self.overflowed = True
            return
        self._entries[call.id] = Entry(call, set(counted), known=known)

    def withdraw(self, call: Call, release: tuple[str, bytes] | None = None) -> None:
        """Give back all that a call took; it may not be known whether it took anything."""
        entry = self._entries.setdefault(call.id, Entry(call))
        entry.release = release
        call.end("withdrawn")

    def ended(self, call: Call) -> None:
        """Note that a call has ended."""
        entry = self._entries.get(call.id)
        if entry is None:
            if not call.cached:
                return
            self.open(call)
            entry = self._entries.get(call.id)
        if entry is not None:
            entry.ended = True
            self._enter(entry)

    def written(self, calls: Sequence[Call]) -> None:
        """Note that the final rows of calls are committed."""
        now = time.monotonic()
        for call in calls:
            if (entry := self._entries.get(call.id)) is not None:
                entry.committed = now
                self._enter(entry)

    async def open_among(self, ids: Collection[UUID]) -> set[UUID]:
        """Return which calls any process has in its journal; none where redis-state is away."""
        wanted = list(ids)
        try:
            journals = await self.memory.journals()
            async with self._state.pipeline(transaction=False) as pipeline:
                for journal in journals:
                    pipeline.hmget(journal, [str(each) for each in wanted])
                found = await pipeline.execute()
        except REDIS_ERRORS:
            return {each for each in wanted if each in self._entries}
        return {each for entries in found for each, entry in zip(wanted, entries, strict=True) if entry}

    async def closed(self, rows: Sequence[Row[Any]]) -> None:
        """Settle what was reserved for calls whose rows were closed."""
        settlements = [
            Settlement(
                id=row.id,
                caller=Caller(owner_id=row.owner_id or _NOBODY, run_id=None, attempt=0, token_id=row.token_id),
                tokens=(row.prompt_tokens or 0) + (row.completion_tokens or 0),
                cost=to_units(row.cost),
                began=row.created_at,
                counted=None,
            )
            for row in rows
        ]
        try:
            await self.settle(settlements)
        except REDIS_ERRORS as error:
            log.warning("what was left open could not be settled in redis-state: %s", error)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Settle calls of other processes; their fields stay, so that whoever wakes up again changes nothing."""
        async with self._state.pipeline(transaction=False) as pipeline:
            for settlement in settlements:
                await self._say_settled(pipeline, settlement, self._plan(settlement))
            await pipeline.execute()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Settle in the background, and in the end what is left."""
        await self.beat()
        async with background(self._beat_for_ever(), self._settle_for_ever()):
            yield
        await self._settle_rest()
        await self.memory.leave()

    async def beat(self) -> bool:
        """Give a sign of life; returns whether redis-state heard it.

        A server that lost its memory hears again of all calls that this process knows, one that was away of those
        that began meanwhile.
        """
        try:
            if await self.memory.beat():
                for entry in self._entries.values():
                    entry.known = False
            await self._write_journal([entry for entry in self._entries.values() if not entry.known])
        except RedisUnavailableError:
            return False
        return True

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.beat()
            await self._note_progress()

    async def _note_progress(self) -> None:
        """Tell the journal how much of each stream was relayed, for who would have to close it."""
        relayed: _Fields = {
            relayed_field(str(entry.call.id)): tokens
            for entry in self._entries.values()
            if not entry.ended and (tokens := entry.call.relayed.tokens)
        }
        if not relayed:
            return
        try:
            await self.memory.breaker.call(lambda: self._state.hset(self.memory.journal, mapping=relayed))
        except RedisUnavailableError:
            return

    async def _write_journal(self, entries: Sequence[Entry]) -> None:
        for at in range(0, len(entries), BATCH):
            part = entries[at : at + BATCH]
            rows: _Fields = {str(entry.call.id): row_of(entry.call) for entry in part}
            await self.memory.breaker.call(partial(self._state.hset, self.memory.journal, mapping=rows))
            for entry in part:
                entry.known = True

    def _enter(self, entry: Entry) -> None:
        self._due[entry.call.id] = entry
        self._wake.set()

    async def _settle_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            if not await self._settle_batch():
                await asyncio.sleep(_PAUSE)

    async def _settle_rest(self) -> None:
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                while self._due and await self._settle_batch():
                    pass
        except TimeoutError:
            log.warning("there was no time to settle all calls in redis-state; their rows tell")

    async def _settle_batch(self) -> bool:
        """Settle what is due; returns whether redis-state heard it."""
        batch = list(islice(self._due.values(), BATCH))
        for entry in batch:
            del self._due[entry.call.id]
        try:
            async with self._state.pipeline(transaction=False) as pipeline:
                self._say_ends(pipeline, batch)
                said = await self._say_settlements(pipeline, batch)
                forgotten = self._say_forgotten(pipeline, batch)
                replies = await pipeline.execute()
        except REDIS_ERRORS as error:
            log.warning("calls can't be settled in redis-state yet: %s", error)
            self._due = {entry.call.id: entry for entry in batch} | self._due
            self._wake.set()
            return False
        for each in said:
            self._hear(each, replies)
        for entry in forgotten:
            self._entries.pop(entry.call.id, None)
        if self._due:
            self._wake.set()
        return True

    def _say_ends(self, pipeline: Pipeline, batch: Sequence[Entry]) -> None:
        """Write into the journal how calls ended whose rows are not committed."""
        rows: _Fields = {
            str(entry.call.id): row_of(entry.call) for entry in batch if not entry.settled and entry.committed is None
        }
        if rows:
            pipeline.hset(self.memory.journal, mapping=rows)

    async def _say_settlements(self, pipeline: Pipeline, batch: Sequence[Entry]) -> list[Said]:
        said = []
        for entry in batch:
            plan = self._plan_of(entry)
            if entry.settled and (entry.committed is None or entry.confirmed or is_counted(entry, plan)):
                continue
            at = len(pipeline)
            await self._say_settled(pipeline, settlement_of(entry), plan)
            said.append(Said(entry, plan, at, entry.committed is not None))
            if entry.release is not None:
                await self._release(keys=[entry.release[0]], args=[entry.release[1]], client=pipeline)
        return said

    def _hear(self, said: Said, replies: Sequence[Any]) -> None:
        """Note what has a call now: windows that did not exist have not."""
        entry, plan = said.entry, said.plan
        if plan.counters:
            exist = replies[said.at]
            entry.counted.update(
                counter.key for counter, there in zip(plan.counters, exist, strict=True) if there and counter.is_window
            )
        entry.settled, entry.confirmed = True, said.is_committed
        if entry.committed is not None:
            self._enter(entry)

    def _say_forgotten(self, pipeline: Pipeline, batch: Sequence[Entry]) -> list[Entry]:
        """Take away what nobody needs whose row is committed, the counters' fields first: the journal is read again."""
        forgotten = [
            entry
            for entry in batch
            if entry.settled
            and entry.committed is not None
            and (entry.confirmed or is_counted(entry, self._plan_of(entry)))
        ]
        fields: defaultdict[str, list[str]] = defaultdict(list)
        for entry in forgotten:
            for key in entry.counted:
                fields[key].append(str(entry.call.id))
        for key, ids in fields.items():
            pipeline.hdel(key, *ids)
        if forgotten:
            ids = [str(entry.call.id) for entry in forgotten]
            pipeline.hdel(self.memory.journal, *ids, *(relayed_field(each) for each in ids))
        return forgotten

    def _plan_of(self, entry: Entry) -> Plan:
        return NO_PLAN if entry.call.cached else self._plan(settlement_of(entry))

    def _plan(self, settlement: Settlement) -> Plan:
        return self._planner.plan(settlement.caller, memory=self.memory.began, at=settlement.began)

    async def _say_settled(self, pipeline: Pipeline, settlement: Settlement, plan: Plan) -> None:
        if not plan.counters:
            return
        counted = settlement.counted
        marks = (
            mark for counter in plan.counters for mark in (counter.kind, int(counted is None or counter.key in counted))
        )
        values: list[EncodableT] = [
            str(settlement.id),
            settlement.tokens,
            settlement.cost,
            int(settlement.withdrawn),
            settlement.age_ms,
        ]
        await self._settle(keys=plan.keys, args=[*values, *marks], client=pipeline)


def relayed_field(call_id: str) -> str:
    """Return the field of the journal that tells how many tokens of a call's answer were relayed."""
    return f"{call_id}:relayed"
