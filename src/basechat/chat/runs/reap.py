"""The reaper: takes back what dead workers held, queues what Redis forgot, and clears away what is over."""

import asyncio
import logging
import time
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import text

from basechat.chat.jobs.queue import take_back as take_back_jobs
from basechat.chat.runs.answer import RUN_SECONDS
from basechat.chat.runs.tools.ledger import APPROVAL_HOURS, CALLS, TOOLS_USED, result_document
from basechat.infra.db import Database
from basechat.infra.mcp.tools import ToolResult
from basechat.infra.queue import waiting_runs, wake
from basechat.infra.redis import REDIS_ERRORS

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
HOUSEKEEPING_EVERY = 12  # rounds
NOT_ANSWERED = ToolResult(
    ok=False, text=f"Nobody allowed this call within {APPROVAL_HOURS} hours, so it was not made. Go on without it."
)

# A run whose worker is gone: ended if it was to be cancelled or was tried often enough, else queued again. The first
# time at once; what has failed before, perhaps by killing its worker, waits 2, 4, 8 seconds.
# `SKIP LOCKED`: another worker's reaper, or a worker that just ends the run, is not waited for.
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

# Calls that nobody answered in time are not made, and their runs go on. A run that waits for nothing is mended here.
# Runs are locked before their calls, as where calls are answered; one that is being answered just now is passed over.
_ANSWER_FOR_NOBODY = text("""
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

# A follower whose predecessor ended while nobody could release it is released here.
_FORGOTTEN = text("""
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

_HOUSEKEEPING = (
    text("DELETE FROM chat_sessions WHERE NOT is_active AND deleted_at < now() - interval '10 minutes'"),
    text("""
        DELETE FROM chat_sessions c WHERE temporary AND updated_at < now() - interval '1 day' AND NOT EXISTS (
            SELECT FROM runs r WHERE r.session_id = c.id AND r.status IN ('queued', 'running', 'waiting')
        )
    """),
    text("DELETE FROM auth_sessions WHERE expires_at < now()"),
    # Written at the same moment as the end of the run, which could not see it.
    text("""
        DELETE FROM run_texts t USING runs r
        WHERE r.id = t.run_id AND r.status IN ('completed', 'cancelled', 'failed')
    """),
    # What the workflow of a run that has ended left behind.
    text("""
        DELETE FROM agent.checkpoints c USING runs r
        WHERE r.id = c.run_id AND r.status IN ('completed', 'cancelled', 'failed')
    """),
    # A call may be late: an mcp-server that was stopped goes on with what it was asked, for as long as that is valid.
    text(f"""
        DELETE FROM tool_receipts t USING runs r
        WHERE r.id = t.run_id AND r.finished_at < now() - interval '{2 * RUN_SECONDS} seconds'
    """),  # noqa: S608 - composed of a constant
    text("""
        UPDATE runs SET idempotency_key = NULL
        WHERE idempotency_key IS NOT NULL AND created_at < now() - interval '24 hours'
    """),
    text("DELETE FROM jobs WHERE finished_at < now() - interval '7 days'"),
)


class Reaper:
    """Repairs what was left behind; any number may run at once.

    After a time in which nobody could renew a lease (the database away, the machine asleep) all leases have
    ended, also those of workers that live. They get `grace_seconds` to renew before anything is taken back.
    """

    def __init__(self, database: Database, state: Redis, *, every_seconds: float, grace_seconds: float = 20) -> None:
        self._database = database
        self._state = state
        self._every = every_seconds
        self._grace = grace_seconds
        self._repaired_at = _clock()
        self._patient_until = 0.0

    async def run(self) -> None:
        """Repair for ever; a round that fails is logged and the next one tries again."""
        rounds = 0
        while True:
            try:
                await self.repair()
                if rounds % HOUSEKEEPING_EVERY == 0:
                    await self.clear_away()
            except Exception:
                log.exception("the reaper failed")
            rounds += 1
            await asyncio.sleep(self._every)

    async def repair(self) -> None:
        """Take back what dead workers held, and wake workers for runs among it and for those that Redis forgot."""
        now = _clock()
        if now - self._repaired_at > self._every + self._grace:
            self._patient_until = now + self._grace
        taken = await self._take_back() if now >= self._patient_until else []
        taken += await self._answer_for_nobody()
        self._repaired_at = now
        try:
            known = await waiting_runs(self._state)
            async with self._database.system_transaction() as connection:
                values = {"older_than": self._every, "known": known}
                forgotten = list(await connection.scalars(_FORGOTTEN, values))
            if runs := {*taken, *forgotten}:
                await wake(self._state, *runs)
        except REDIS_ERRORS as error:
            log.warning("workers can't be woken: %s", error)

    async def clear_away(self) -> None:
        """Delete what is over: deleted chats, ended sign-ins, keys of yesterday, jobs of last week."""
        for statement in _HOUSEKEEPING:
            async with self._database.system_transaction() as connection:
                await connection.execute(statement)

    async def _answer_for_nobody(self) -> list[UUID]:
        async with self._database.system_transaction() as connection:
            return list(await connection.scalars(_ANSWER_FOR_NOBODY, {"result": result_document(NOT_ANSWERED)}))

    async def _take_back(self) -> list[UUID]:
        async with self._database.system_transaction() as connection:
            runs: list[UUID] = list(await connection.scalars(_TAKE_BACK, {"max_attempts": MAX_ATTEMPTS}))
        if runs:
            log.warning("%d runs were left behind by their workers", len(runs))
        if jobs := await take_back_jobs(self._database):
            log.warning("%d jobs were left behind by their workers", jobs)
        return runs


def _clock() -> float:
    """Return seconds that go on while the machine sleeps, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()
