"""Leases of jobs: claimed, renewed, given back and ended, each by one statement on the database's clock."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import text

from basechat.chat.jobs.job import Job
from basechat.infra.db import Database

MAX_ATTEMPTS = 5
_ERROR_LENGTH = 2000

# Kinds that this version does not know are left to workers that do.
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
    UPDATE jobs SET status = CASE WHEN :hopeless OR attempt >= :max_attempts THEN 'failed' ELSE 'queued' END,
           finished_at = CASE WHEN :hopeless OR attempt >= :max_attempts THEN now() END,
           due_at = now() + make_interval(secs => 10 * 4 ^ (attempt - 1)), lease_until = NULL, error = :error
    WHERE id = :id AND attempt = :attempt AND status = 'running'
""")

# The first time that its worker is gone a job is due at once; what may have killed two of them waits 4, 8, 16 seconds.
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


async def claim(database: Database, kinds: Collection[str], *, lease_seconds: float) -> Job | None:
    """Take the job that has been due longest, or None if none is."""
    async with database.autocommit() as connection:
        row = (await connection.execute(_CLAIM, {"kinds": list(kinds), "lease": lease_seconds})).one_or_none()
    return None if row is None else Job(**row._mapping)


async def renew(database: Database, jobs: Collection[Job], *, lease_seconds: float) -> set[tuple[UUID, int]]:
    """Renew the leases of jobs; returns id and attempt of those that are still ours."""
    async with database.autocommit() as connection:
        rows = await connection.execute(_RENEW, _columns(jobs) | {"lease": lease_seconds})
        return {(row.id, row.attempt) for row in rows}


async def give_back(database: Database, jobs: Collection[Job]) -> None:
    """Let other workers have jobs that are still ours."""
    async with database.autocommit() as connection:
        await connection.execute(_GIVE_BACK, _columns(jobs))


async def complete(database: Database, job: Job) -> None:
    """Note that a job is done, if it is still ours."""
    async with database.autocommit() as connection:
        await connection.execute(_COMPLETE, {"id": job.id, "attempt": job.attempt})


async def fail(database: Database, job: Job, error: str, *, hopeless: bool) -> None:
    """Note why a job failed, if it is still ours. It is due again after a while, unless that is hopeless."""
    values = {"id": job.id, "attempt": job.attempt, "error": error[:_ERROR_LENGTH].replace("\x00", "")}
    async with database.autocommit() as connection:
        await connection.execute(_FAIL, values | {"hopeless": hopeless, "max_attempts": MAX_ATTEMPTS})


async def take_back(database: Database) -> int:
    """Take back the jobs of dead workers; returns how many there were."""
    async with database.autocommit() as connection:
        return (await connection.execute(_TAKE_BACK, {"max_attempts": MAX_ATTEMPTS})).rowcount


def _columns(jobs: Collection[Job]) -> dict[str, Any]:
    return {"ids": [job.id for job in jobs], "attempts": [job.attempt for job in jobs]}
