"""The one writer of usage: each call is a row of `usage`, written in batches beside the calls."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.sql import ACCOUNT_IDS, API_TOKEN_IDS
from basechat.infra.background import background, every
from basechat.infra.db import DATABASE_ERRORS, Database, is_transient
from basechat.kit import json
from basechat.llm.metering.call import Call

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
PROGRESS_SECONDS = 2.0
"""How often the row of a call in flight is written again: a sign of life, and the tokens so far."""

BATCH = 500  # rows of one statement
MAX_WAITING = 10_000  # calls; beyond, with PostgreSQL away for long, they are lost
_PAUSE_SECONDS = 0.5
_FLUSH_SECONDS = 5

# A row is written when its call begins, every few seconds, and when its call ends; or once if the call was short.
# The id is made with the call, so a batch that is sent again changes nothing. Accounts, tokens and runs may be deleted
# by now. The end of a call wins over "interrupted", which another process writes for calls that seem lost.
# Times are of the gateway's clock, which also selects the day and month of a call.
_WRITE = text(f"""
    INSERT INTO usage (id, owner_id, token_id, run_id, attempt, kind, provider, model, status, prompt_tokens,
                       cached_prompt_tokens, completion_tokens, estimated, cached, cost, reserved_tokens,
                       reserved_cost, first_token_ms, duration_ms, created_at, settled_at)
    SELECT c.id, u.id, t.id, r.id, c.attempt, c.kind, c.provider, c.model, c.status, c.prompt_tokens,
           c.cached_prompt_tokens, c.completion_tokens, c.estimated, c.cached, c.cost, c.reserved_tokens,
           c.reserved_cost, c.first_token_ms, c.duration_ms, to_timestamp(c.began_at),
           CASE WHEN c.status <> 'started' THEN now() END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS c (
        id uuid, owner_id uuid, token_id uuid, run_id uuid, attempt integer, kind text, provider text, model text,
        status text, prompt_tokens integer, cached_prompt_tokens integer, completion_tokens integer,
        estimated boolean, cached boolean, cost numeric, reserved_tokens integer, reserved_cost numeric,
        first_token_ms integer, duration_ms integer, began_at float8)
    LEFT JOIN ({ACCOUNT_IDS}) u ON u.id = c.owner_id LEFT JOIN ({API_TOKEN_IDS}) t ON t.id = c.token_id
    LEFT JOIN runs r ON r.id = c.run_id
    ON CONFLICT (id) DO UPDATE
    SET status = excluded.status, provider = excluded.provider, model = excluded.model,
        prompt_tokens = excluded.prompt_tokens, cached_prompt_tokens = excluded.cached_prompt_tokens,
        completion_tokens = excluded.completion_tokens, estimated = excluded.estimated, cost = excluded.cost,
        first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms,
        settled_at = excluded.settled_at
    WHERE usage.status = 'started' AND (excluded.status <> 'started' OR excluded.duration_ms > usage.duration_ms)
          OR usage.status = 'interrupted' AND excluded.status <> 'started'
""")  # noqa: S608 - composed of constants
_DELETE = text("DELETE FROM usage WHERE id = ANY(:ids)")


class UsageWriter:
    """Writes the calls of this process. A call never waits for its row and never fails because of it.

    A process that is killed loses the rows of the last 100 ms.
    """

    def __init__(self, database: Database, *, on_recorded: Callable[[Sequence[Call]], None]) -> None:
        """`on_recorded` gets the calls whose end is committed."""
        self.lost = 0
        self._database = database
        self._on_recorded = on_recorded
        self._open: dict[UUID, Call] = {}
        self._waiting: dict[UUID, Call] = {}
        self._sent: set[UUID] = set()
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()

    def begin(self, call: Call) -> None:
        self._open[call.id] = call
        if call.id not in self._sent:
            self._enter(call)

    def note_row(self, call: Call) -> None:
        # Another part writes the first row of this call. If the call is withdrawn, the row is deleted.
        self._sent.add(call.id)

    def end(self, call: Call) -> None:
        self._open.pop(call.id, None)
        if call.status == "withdrawn" and call.id not in self._sent:
            self._waiting.pop(call.id, None)
            self._on_recorded([call])
        else:
            self._enter(call)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write in the background; at the end, interrupt the open calls and write what is left."""
        async with background(self._run(), every(PROGRESS_SECONDS, self.note_progress)):
            yield
        for call in list(self._open.values()):
            call.end_stream("interrupted")
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                while self._waiting and await self.write():
                    pass
        except TimeoutError:
            log.warning("no time to write all usage")
        if self._waiting:
            log.error("the usage of %d calls was lost", len(self._waiting))

    async def note_progress(self) -> None:
        for call in self._open.values():
            if call.age_seconds >= PROGRESS_SECONDS:
                self._enter(call)

    async def flush(self) -> None:
        # Write what waits now. Calls that begin and end meanwhile don't prolong this.
        for _ in range(len(self._waiting) // BATCH + 1):
            if not self._waiting or not await self.write():
                return

    async def write(self) -> bool:
        async with self._lock:
            return await self._write()

    async def _write(self) -> bool:
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
            if not await self._store_one_by_one(batch):
                return False
        written = [call for call, status in zip(batch, statuses, strict=True) if call.status == status]
        for call in written:  # the others ended meanwhile and are written again
            del self._waiting[call.id]
        ended = [call for call in written if call.status != "started"]
        self._sent.difference_update(call.id for call in ended)
        self._on_recorded(ended)
        if self._waiting:
            self._wake.set()
        return True

    async def _store_one_by_one(self, batch: Sequence[Call]) -> bool:
        """Store the accepted calls of a rejected batch; returns False if PostgreSQL became unreachable."""
        rejected = 0
        for call in batch:
            try:
                await self._store([call])
            except DATABASE_ERRORS as error:
                if not isinstance(error, DBAPIError) or is_transient(error):
                    log.warning("usage can't be written yet: %s", error)
                    self._wake.set()
                    return False
                rejected += 1
                log.exception("the usage of call %s was rejected", call.id)
        self.lost += rejected
        return True

    def _enter(self, call: Call) -> None:
        if len(self._waiting) >= MAX_WAITING and call.id not in self._waiting:
            self.lost += 1
            return
        self._waiting[call.id] = call
        self._wake.set()

    async def _run(self) -> None:
        reported = 0
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            if self.lost > reported:
                reported = self.lost
                log.error("the usage of %d calls was lost: PostgreSQL accepted no rows for too long", reported)
            if not await self.write():
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _store(self, batch: Sequence[Call]) -> None:
        kept = [call for call in batch if call.status != "withdrawn"]
        withdrawn = [call.id for call in batch if call.status == "withdrawn"]
        async with self._database.autocommit() as connection:
            if kept:
                try:
                    await insert_calls(connection, kept)
                except (
                    IntegrityError
                ):  # an account or a run was deleted during the statement; now the statement sees it
                    await insert_calls(connection, kept)
            if withdrawn:
                await connection.execute(_DELETE, {"ids": withdrawn})


async def insert_calls(connection: AsyncConnection, calls: Iterable[Call]) -> None:
    await connection.execute(_WRITE, {"rows": json.dumps([_row(call) for call in calls]).decode()})


def _row(call: Call) -> dict[str, object]:
    """The row of a call. A call in flight has estimates of its tokens and cost so far."""
    is_open = call.status == "started"
    caller = call.caller
    return {
        "id": call.id,
        "owner_id": caller.owner_id,
        "token_id": caller.token_id,
        "run_id": caller.run_id,
        "attempt": caller.attempt if caller.run_id else None,
        "kind": call.kind,
        "provider": call.provider,
        "model": call.model,
        "status": call.status,
        "prompt_tokens": call.prompt_estimate if is_open else call.prompt_tokens,
        "cached_prompt_tokens": call.cached_prompt_tokens,
        "completion_tokens": call.relayed.tokens if is_open else call.completion_tokens,
        "estimated": is_open or call.estimated,
        "cached": call.cached,
        "cost": _format(call.cost_so_far() if is_open else call.cost),
        "reserved_tokens": call.reserved_tokens,
        "reserved_cost": _format(call.reserved_cost),
        "first_token_ms": call.first_token_ms,
        "duration_ms": call.elapsed_ms if is_open else call.duration_ms,
        "began_at": call.began_at,
    }


def _format(money: object) -> str | None:
    return None if money is None else format(money, "f")
