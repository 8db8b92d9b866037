"""What was asked of providers: one row of `usage` per call, written in batches beside the calls, never in their way."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from basechat.infra.background import background, every
from basechat.infra.db import DATABASE_AWAY, Database, is_weather
from basechat.llm.usage.call import Call
from basechat.protocol import Caller

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
BATCH = 500  # rows of one statement
MOST_WAITING = 10_000  # calls; beyond that, with the database away for long, they are counted as lost
SWEEP_EVERY_SECONDS = 60
LEFT_AFTER = "15 minutes"
_PAUSE = 0.5
_FLUSH_SECONDS = 5

# A call is written when it has begun and again when it has ended, or once if that was soon. The id is made with the
# call, so a batch that is sent again, because nobody knows whether it arrived, changes nothing. People and runs may be
# gone by now. What a sweeper closed while the call was still going on is told by the call itself in the end.
_WRITE = text("""
    INSERT INTO usage (id, owner_id, token_id, run_id, attempt, provider, model, status, prompt_tokens,
                       completion_tokens, first_token_ms, duration_ms, created_at, settled_at)
    SELECT c.id, u.id, t.id, r.id, c.attempt, c.provider, c.model, c.status, c.prompt_tokens, c.completion_tokens,
           c.first_token_ms, c.duration_ms, now() - make_interval(secs => c.age),
           CASE WHEN c.status <> 'started' THEN now() END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:owners AS uuid[]), CAST(:tokens AS uuid[]),
                CAST(:runs AS uuid[]), CAST(:attempts AS integer[]), CAST(:providers AS text[]),
                CAST(:models AS text[]), CAST(:statuses AS text[]),
                CAST(:prompt_tokens AS integer[]), CAST(:completion_tokens AS integer[]),
                CAST(:first_token_ms AS integer[]), CAST(:duration_ms AS integer[]), CAST(:ages AS float8[]))
         AS c (id, owner_id, token_id, run_id, attempt, provider, model, status, prompt_tokens, completion_tokens,
               first_token_ms, duration_ms, age)
    LEFT JOIN users u ON u.id = c.owner_id LEFT JOIN api_tokens t ON t.id = c.token_id
    LEFT JOIN runs r ON r.id = c.run_id
    ON CONFLICT (id) DO UPDATE
    SET status = excluded.status, prompt_tokens = excluded.prompt_tokens,
        completion_tokens = excluded.completion_tokens, first_token_ms = excluded.first_token_ms,
        duration_ms = excluded.duration_ms, settled_at = excluded.settled_at
    WHERE usage.status IN ('started', 'interrupted') AND excluded.status <> 'started'
""")

_SWEEP = text(f"""
    WITH left_open AS (
        SELECT id FROM usage WHERE status = 'started' AND created_at < now() - interval '{LEFT_AFTER}'
        ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    UPDATE usage SET status = 'interrupted', settled_at = now() FROM left_open WHERE usage.id = left_open.id
""")  # noqa: S608 - composed of constants


class UsageBook:
    """The calls of this process on their way into the table.

    A call never waits for its row and never fails because of it. A process that is killed loses the last 100 ms;
    rows that it had begun are closed by any sweeper.
    """

    def __init__(self, database: Database) -> None:
        self.lost = 0
        self._database = database
        self._open: dict[UUID, Call] = {}
        self._waiting: dict[UUID, Call] = {}
        self._wake = asyncio.Event()

    def begin(self, caller: Caller, *, provider: str, model: str) -> Call:
        """Note that a provider is called now."""
        call = Call(caller, provider=provider, model=model, settled=self._settle)
        self._open[call.id] = call
        self._enter(call)
        return call

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
        async with self._database.each_for_system() as connection:
            closed = (await connection.execute(_SWEEP)).rowcount
        if closed:
            log.warning("%d calls of providers were left open by processes that died", closed)

    def _settle(self, call: Call) -> None:
        del self._open[call.id]
        self._enter(call)

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
        columns = _columns(batch)
        try:
            await self._store(columns)
        except DATABASE_AWAY as error:
            if not isinstance(error, DBAPIError) or is_weather(error):
                log.warning("usage can't be written yet: %s", error)
                self._wake.set()
                return False
            self.lost += len(batch)
            log.exception("the usage of %d calls was refused", len(batch))
        for call, status in zip(batch, columns["statuses"], strict=True):
            if call.status == status:  # else it has ended meanwhile, and waits to be written again
                del self._waiting[call.id]
        if self._waiting:
            self._wake.set()
        return True

    async def _store(self, columns: dict[str, list[Any]]) -> None:
        async with self._database.each_for_system() as connection:
            try:
                await connection.execute(_WRITE, columns)
            except IntegrityError:  # an owner or a run went at this very moment; now the statement sees it
                await connection.execute(_WRITE, columns)


def _columns(calls: list[Call]) -> dict[str, list[Any]]:
    return {
        "ids": [call.id for call in calls],
        "owners": [call.caller.owner_id for call in calls],
        "tokens": [call.caller.token_id for call in calls],
        "runs": [call.caller.run_id for call in calls],
        "attempts": [call.caller.attempt if call.caller.run_id else None for call in calls],
        "providers": [call.provider for call in calls],
        "models": [call.model for call in calls],
        "statuses": [call.status for call in calls],
        "prompt_tokens": [call.prompt_tokens for call in calls],
        "completion_tokens": [call.completion_tokens for call in calls],
        "first_token_ms": [call.first_token_ms for call in calls],
        "duration_ms": [call.duration_ms for call in calls],
        "ages": [call.age_seconds for call in calls],
    }
