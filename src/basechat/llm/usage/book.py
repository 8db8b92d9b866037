"""What was asked of providers: one row of `usage` per call, written in batches beside the calls, never in their way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from basechat.infra.background import background, every
from basechat.infra.db import DATABASE_ERRORS, Database, is_transient
from basechat.llm.usage.call import Call
from basechat.llm.usage.row import row_of, write_rows
from basechat.protocol import Caller

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
BATCH = 500  # rows of one statement
MOST_WAITING = 10_000  # calls; beyond that, with the database away for long, they are counted as lost
SWEEP_EVERY_SECONDS = 60
LEFT_AFTER = "15 minutes"
_PAUSE = 0.5
_FLUSH_SECONDS = 5

_LEFT_OPEN = text(f"""
    SELECT id FROM usage WHERE status = 'started' AND created_at < now() - interval '{LEFT_AFTER}'
    ORDER BY created_at LIMIT 1000
""")  # noqa: S608 - composed of constants

# Nobody knows any more what they came to, so what was reserved for them stands.
_CLOSE = text("""
    WITH left_open AS (
        SELECT id FROM usage WHERE id = ANY(:ids) AND status = 'started' ORDER BY id FOR UPDATE SKIP LOCKED
    )
    UPDATE usage SET status = 'interrupted', estimated = true, settled_at = now(), cost = reserved_cost,
                     completion_tokens = greatest(reserved_tokens - coalesce(prompt_tokens, 0), 0)
    FROM left_open WHERE usage.id = left_open.id
    RETURNING usage.id, owner_id, token_id, prompt_tokens, completion_tokens, cost, created_at
""")
_DELETE = text("DELETE FROM usage WHERE id = ANY(:ids)")


class Witness(Protocol):
    """Who else keeps count of the calls."""

    def ended(self, call: Call) -> None:
        """Note that a call has ended."""

    def written(self, calls: Sequence[Call]) -> None:
        """Note that the final rows of calls are committed."""

    async def open_among(self, ids: Collection[UUID]) -> set[UUID]:
        """Return which calls are known to go on, in any process."""

    async def closed(self, rows: Sequence[Row[Any]]) -> None:
        """Note that rows were closed whose calls nobody knows any more."""


class UsageBook:
    """The calls of this process on their way into the table.

    A call never waits for its row and never fails because of it. A process that is killed loses the rows of the last
    100 ms; the journal in redis-state has them. Rows that it had begun are closed by any sweeper.
    """

    def __init__(self, database: Database) -> None:
        self.lost = 0
        self.database = database
        self.witness: Witness | None = None
        self._open: dict[UUID, Call] = {}
        self._waiting: dict[UUID, Call] = {}
        self._sent: set[UUID] = set()
        self._wake = asyncio.Event()

    def begin(self, caller: Caller, *, provider: str, model: str) -> Call:
        """Note that a provider is called now."""
        call = Call(caller, provider=provider, model=model, settled=self.settle)
        self.enter(call)
        return call

    def enter(self, call: Call) -> None:
        """Note that a call goes on now."""
        self._open[call.id] = call
        self._enter(call)

    def settle(self, call: Call) -> None:
        """Note that a call has ended."""
        self._open.pop(call.id, None)
        if self.witness is not None:
            self.witness.ended(call)
        if call.status == "withdrawn" and call.id not in self._sent:
            self._waiting.pop(call.id, None)  # it leaves no trace
            self._tell_written([call])
        else:
            self._enter(call)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write in the background; at the end write what is left, calls that were broken off by it included."""
        async with background(every(SWEEP_EVERY_SECONDS, self.sweep)):
            async with background(self._write_for_ever()):
                yield
            for call in list(self._open.values()):
                call.end_stream("interrupted")
            await self._flush()

    async def sweep(self) -> None:
        """Close the rows that processes left behind which are dead by now."""
        async with self.database.autocommit() as connection:
            left = set((await connection.scalars(_LEFT_OPEN)).all())
        if self.witness is not None and left:
            left -= await self.witness.open_among(left)
        if not left:
            return
        async with self.database.autocommit() as connection:
            closed = list(await connection.execute(_CLOSE, {"ids": list(left)}))
        if closed:
            log.warning("%d calls of providers were left open by processes that died", len(closed))
        if self.witness is not None:
            await self.witness.closed(closed)

    def _enter(self, call: Call) -> None:
        if len(self._waiting) >= MOST_WAITING and call.id not in self._waiting:
            self.lost += 1
            return
        self._waiting[call.id] = call
        self._wake.set()

    async def _write_for_ever(self) -> None:
        told = 0
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            if self.lost > told:
                told = self.lost
                log.error("the usage of %d calls was lost: the database took no rows for too long", told)
            if not await self._write():
                await asyncio.sleep(_PAUSE)

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                while self._waiting and await self._write():
                    pass
        except TimeoutError:
            log.warning("there was no time to write all usage")
        if self._waiting:
            log.error("the usage of %d calls was lost", len(self._waiting))

    async def _write(self) -> bool:
        """Write one batch; returns whether the database took it."""
        batch = list(islice(self._waiting.values(), BATCH))
        statuses = [call.status for call in batch]
        self._sent.update(call.id for call in batch)
        try:
            await self._store(batch)
        except DATABASE_ERRORS as error:
            if not isinstance(error, DBAPIError) or is_transient(error):
                log.warning("usage can't be written yet: %s", error)
                self._wake.set()
                return False
            self.lost += len(batch)
            log.exception("the usage of %d calls was refused", len(batch))
        done = [call for call, status in zip(batch, statuses, strict=True) if call.status == status]
        for call in done:  # others have ended meanwhile, and wait to be written again
            del self._waiting[call.id]
        self._tell_written([call for call in done if call.status != "started"])
        if self._waiting:
            self._wake.set()
        return True

    def _tell_written(self, calls: Sequence[Call]) -> None:
        self._sent.difference_update(call.id for call in calls)
        if self.witness is not None and calls:
            self.witness.written(calls)

    async def _store(self, batch: Sequence[Call]) -> None:
        rows = [row_of(call) for call in batch if call.status != "withdrawn"]
        withdrawn = [call.id for call in batch if call.status == "withdrawn"]
        if rows:
            await write_rows(self.database, rows)
        if withdrawn:
            async with self.database.autocommit() as connection:
                await connection.execute(_DELETE, {"ids": withdrawn})
