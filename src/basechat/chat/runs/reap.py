"""The reaper: takes runs and jobs back from dead workers, queues runs that Redis lost, and deletes old rows."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.jobs.queue import take_back as take_back_jobs
from basechat.chat.runs.tools.ledger import APPROVAL_HOURS, CALLS, TOOLS_USED, result_document
from basechat.infra.db import Database
from basechat.infra.mcp.tools import ToolResult
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.infra.redis.signals import waiting_runs, wake

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
REAPER_SECONDS = 5.0
HOUSEKEEPING_ROUNDS = 12
NOT_DECIDED = ToolResult(
    ok=False, text=f"The user did not allow this call within {APPROVAL_HOURS} hours. It was not made; go on without it."
)

Housekeeping = Callable[[AsyncConnection], Awaitable[None]]
"""Deletes rows of one feature that are too old."""

# A run of a dead worker ends if it has a cancel request or too many takeovers. Otherwise it is queued again: at once
# after the first takeover, and after 2, 4, 8 seconds later, because the run itself may kill its workers.
# `SKIP LOCKED`: the reaper does not wait for other reapers, or for a worker that ends the run now.
_TAKE_BACK = text(f"""
    WITH dead AS (
        SELECT id, message_id, CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                                    WHEN takeovers + 1 >= :max_attempts THEN 'failed' ELSE 'queued' END AS next
        FROM runs WHERE status = 'running' AND lease_until < now()
        ORDER BY lease_until LIMIT 200 FOR UPDATE SKIP LOCKED
    ), r AS (
        UPDATE runs SET status = dead.next, worker = NULL, takeovers = takeovers + 1,
               lease_until = CASE WHEN dead.next = 'queued' AND takeovers > 0
                             THEN now() + make_interval(secs => 2 ^ takeovers) END,
               finished_at = CASE WHEN dead.next = 'queued' THEN NULL ELSE now() END,
               error_code = CASE WHEN dead.next = 'failed' THEN 'run.exhausted' END,
               error_detail = CASE WHEN dead.next = 'failed'
                              THEN 'The answer broke off several times. Try again.' END
        FROM dead WHERE runs.id = dead.id RETURNING runs.id, runs.message_id, runs.status, runs.lease_until
    ), kept AS (
        UPDATE messages m SET content = coalesce(t.content, m.content), mcp_tools_used = {TOOLS_USED},
               meta_info = m.meta_info || {CALLS}
        FROM r LEFT JOIN run_texts t ON t.run_id = r.id
        WHERE m.id = r.message_id AND r.status <> 'queued'
    ), follower AS (
        UPDATE runs SET after_run_id = NULL FROM r
        WHERE runs.after_run_id = r.id AND r.status <> 'queued' RETURNING runs.id
    )
    SELECT id FROM r WHERE status = 'queued' AND lease_until IS NULL UNION ALL SELECT id FROM follower
""")  # noqa: S608 - composed of constants

# Calls without a decision in time are denied, and their runs continue. A waiting run without such a call is repaired.
# Runs are locked before their calls, as in `approve`. A run with a decision in progress is skipped.
_DENY_EXPIRED = text("""
    WITH due AS (
        SELECT t.id FROM runs r JOIN tool_calls t ON t.run_id = r.id
        WHERE t.status = 'proposed' AND t.expires_at <= now() FOR UPDATE OF r SKIP LOCKED
    ), late AS (
        UPDATE tool_calls SET status = 'denied', result = :result, finished_at = now()
        FROM due WHERE tool_calls.id = due.id AND status = 'proposed' RETURNING tool_calls.id
    )
    UPDATE runs SET status = 'queued' WHERE status = 'waiting' AND NOT EXISTS (
        SELECT FROM tool_calls t WHERE t.run_id = runs.id AND t.status = 'proposed'
        AND t.id NOT IN (SELECT id FROM late)
    ) RETURNING id
""")

# A follower is released here if its predecessor ended without releasing it.
_LOST_WAKE_UPS = text("""
    WITH released AS (
        UPDATE runs f SET after_run_id = NULL FROM runs p
        WHERE f.status = 'queued' AND p.id = f.after_run_id AND p.status IN ('completed', 'cancelled', 'failed')
        RETURNING f.id
    )
    SELECT id FROM released UNION
    (SELECT id FROM runs WHERE status = 'queued' AND after_run_id IS NULL
     AND (lease_until IS NULL OR lease_until <= now())
     AND created_at < now() - make_interval(secs => :older_than) AND id <> ALL (:known) LIMIT 1000)
""")

_OLD_ROWS = (
    text("DELETE FROM chat_sessions WHERE NOT is_active AND deleted_at < now() - interval '10 minutes'"),
    text("""
        DELETE FROM chat_sessions c WHERE temporary AND updated_at < now() - interval '1 day' AND NOT EXISTS (
            SELECT FROM runs r WHERE r.session_id = c.id AND r.status IN ('queued', 'running', 'waiting')
        )
    """),
    # Written at the same time as the end of the run, which did not see the row.
    text("""
        DELETE FROM run_texts t USING runs r
        WHERE r.id = t.run_id AND r.status IN ('completed', 'cancelled', 'failed')
    """),
    text("""
        DELETE FROM agent.checkpoints c USING runs r
        WHERE r.id = c.run_id AND r.status IN ('completed', 'cancelled', 'failed')
    """),
    text("""
        UPDATE runs SET idempotency_key = NULL
        WHERE idempotency_key IS NOT NULL AND created_at < now() - interval '24 hours'
    """),
    text("DELETE FROM jobs WHERE finished_at < now() - interval '7 days'"),
)


class Reaper:
    """Repairs runs and jobs. Several reapers may run at the same time.

    While the database is away or the machine sleeps, no lease is renewed, so the leases of live workers expire,
    too. These workers get `grace_seconds` to renew before the reaper takes runs back.
    """

    def __init__(
        self,
        database: Database,
        state: Redis,
        *,
        every_seconds: float = REAPER_SECONDS,
        grace_seconds: float = 20,
        housekeeping: Sequence[Housekeeping] = (),
    ) -> None:
        self._database = database
        self._state = state
        self._every = every_seconds
        self._grace = grace_seconds
        self._housekeeping = (_delete_old_rows, *housekeeping)
        self._repaired_at = _clock()
        self._take_back_from = 0.0

    async def run(self) -> None:
        rounds = 0
        while True:
            try:
                await self.repair()
                if rounds % HOUSEKEEPING_ROUNDS == 0:
                    await self.clean_up()
            except Exception:
                log.exception("the reaper failed")
            rounds += 1
            await asyncio.sleep(self._every)

    async def repair(self) -> None:
        now = _clock()
        if now - self._repaired_at > self._every + self._grace:
            self._take_back_from = now + self._grace
        taken = await self._take_back() if now >= self._take_back_from else []
        taken += await self._deny_expired_calls()
        self._repaired_at = now
        try:
            known = await waiting_runs(self._state)
            async with self._database.system_transaction() as connection:
                values = {"older_than": self._every, "known": known}
                lost = list(await connection.scalars(_LOST_WAKE_UPS, values))
            if runs := {*taken, *lost}:
                await wake(self._state, *runs)
        except REDIS_ERRORS as error:
            log.warning("workers can't be woken: %s", error)

    async def clean_up(self) -> None:
        for clean in self._housekeeping:
            async with self._database.system_transaction() as connection:
                await clean(connection)

    async def _deny_expired_calls(self) -> list[UUID]:
        async with self._database.system_transaction() as connection:
            return list(await connection.scalars(_DENY_EXPIRED, {"result": result_document(NOT_DECIDED)}))

    async def _take_back(self) -> list[UUID]:
        async with self._database.system_transaction() as connection:
            runs: list[UUID] = list(await connection.scalars(_TAKE_BACK, {"max_attempts": MAX_ATTEMPTS}))
        if runs:
            log.warning("took %d runs back from dead workers", len(runs))
        if jobs := await take_back_jobs(self._database):
            log.warning("took %d jobs back from dead workers", jobs)
        return runs


async def _delete_old_rows(connection: AsyncConnection) -> None:
    for statement in _OLD_ROWS:
        await connection.execute(statement)


def _clock() -> float:
    """Seconds, including the time in which the machine sleeps if the system counts it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()
