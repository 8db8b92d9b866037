"""The queue of jobs, the table `jobs`. Each transition is one statement on the clock of the database."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from basechat.infra.db import Database

MAX_ATTEMPTS = 5
_ERROR_LENGTH = 2000

# A worker leaves kinds that its version does not know to other workers.
_CLAIM = text("""
    UPDATE jobs SET status = 'running', attempt = attempt + 1, lease_until = now() + make_interval(secs => :lease)
    WHERE id = (
        SELECT id FROM jobs WHERE status = 'queued' AND due_at <= now() AND kind = ANY(:kinds)
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, kind, owner_id, payload, attempt
""")

_RENEW = text("""
    UPDATE jobs SET lease_until = now() + make_interval(secs => :lease)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[])) AS held (id, attempt)
    WHERE jobs.id = held.id AND jobs.attempt = held.attempt AND jobs.status = 'running'
    RETURNING jobs.id, jobs.attempt
""")

_GIVE_BACK = text("""
    UPDATE jobs SET status = 'queued', lease_until = NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[])) AS held (id, attempt)
    WHERE jobs.id = held.id AND jobs.attempt = held.attempt AND jobs.status = 'running'
""")

_COMPLETE = text("""
    UPDATE jobs SET status = 'completed', lease_until = NULL, error = NULL, finished_at = now()
    WHERE id = :id AND attempt = :attempt AND status = 'running'
""")

# The pauses are 10, 40, 160 and 640 seconds.
_FAIL = text("""
    UPDATE jobs SET status = CASE WHEN :permanent OR attempt >= :max_attempts THEN 'failed' ELSE 'queued' END,
           finished_at = CASE WHEN :permanent OR attempt >= :max_attempts THEN now() END,
           due_at = now() + make_interval(secs => 10 * 4 ^ (attempt - 1)), lease_until = NULL, error = :error
    WHERE id = :id AND attempt = :attempt AND status = 'running'
""")

# After the first lost worker a job is due at once. A job that may have killed several workers waits 4, 8, 16 seconds.
_TAKE_BACK = text("""
    WITH dead AS (
        SELECT id FROM jobs WHERE status = 'running' AND lease_until < now()
        ORDER BY lease_until LIMIT 200 FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET status = CASE WHEN attempt >= :max_attempts THEN 'failed' ELSE 'queued' END,
           finished_at = CASE WHEN attempt >= :max_attempts THEN now() END,
           due_at = CASE WHEN attempt = 1 THEN due_at ELSE now() + make_interval(secs => 2 ^ attempt) END,
           lease_until = NULL, error = 'Its worker was lost.'
    FROM dead WHERE jobs.id = dead.id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that this worker executes. What a handler writes must be conditional on `attempt`."""

    id: UUID
    kind: str
    owner_id: UUID | None
    payload: dict[str, Any]
    attempt: int


Handler = Callable[[Job], Awaitable[None]]
"""Executes a job. An exception makes it fail; the job is retried later, except after a `PermanentJobError`."""


class PermanentJobError(Exception):
    """The job failed, and a retry would fail, too."""


async def claim(database: Database, kinds: Collection[str], *, lease_seconds: float) -> Job | None:
    async with database.autocommit() as connection:
        row = (await connection.execute(_CLAIM, {"kinds": list(kinds), "lease": lease_seconds})).one_or_none()
    return None if row is None else Job(**row._mapping)


async def renew(database: Database, jobs: Collection[Job], *, lease_seconds: float) -> set[tuple[UUID, int]]:
    # Renew leases; returns id and attempt of the jobs that this worker still holds.
    async with database.autocommit() as connection:
        rows = await connection.execute(_RENEW, _columns(jobs) | {"lease": lease_seconds})
        return {(row.id, row.attempt) for row in rows}


async def give_back(database: Database, jobs: Collection[Job]) -> None:
    async with database.autocommit() as connection:
        await connection.execute(_GIVE_BACK, _columns(jobs))


async def complete(database: Database, job: Job) -> None:
    async with database.autocommit() as connection:
        await connection.execute(_COMPLETE, {"id": job.id, "attempt": job.attempt})


async def fail(database: Database, job: Job, error: str, *, permanent: bool) -> None:
    """Store why a job failed. The job is due again after a pause, unless the failure is permanent."""
    values = {"id": job.id, "attempt": job.attempt, "error": error[:_ERROR_LENGTH].replace("\x00", "")}
    async with database.autocommit() as connection:
        await connection.execute(_FAIL, values | {"permanent": permanent, "max_attempts": MAX_ATTEMPTS})


async def take_back(database: Database) -> int:
    async with database.autocommit() as connection:
        return (await connection.execute(_TAKE_BACK, {"max_attempts": MAX_ATTEMPTS})).rowcount


def _columns(jobs: Collection[Job]) -> dict[str, Any]:
    return {"ids": [job.id for job in jobs], "attempts": [job.attempt for job in jobs]}
