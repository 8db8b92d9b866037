"""Wake-ups: a worker hears at once of a run to execute, and of jobs. The rows in PostgreSQL are the truth."""

from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from basechat.infra.redis import as_bytes

RUNS = "queue:runs"
JOBS = "queue:jobs"


async def wake(state: Redis, *run_ids: UUID) -> None:
    """Tell one worker for each run that it is queued."""
    await state.lpush(RUNS, *(str(run_id) for run_id in run_ids))


def add_wake(pipeline: Pipeline, run_id: UUID) -> None:
    """Add to the pipeline what tells one worker that a run is queued."""
    pipeline.lpush(RUNS, str(run_id))


async def next_run(queue: Redis, *, timeout_seconds: int = 1) -> UUID | None:
    """Wait for the run that was queued first."""
    found = await queue.brpop([RUNS], timeout=timeout_seconds)
    return UUID(as_bytes(found[1]).decode()) if found else None


async def waiting_runs(state: Redis) -> list[UUID]:
    """Return the runs whose wake-ups were not heard yet, the oldest ones of very many."""
    return [UUID(as_bytes(run_id).decode()) for run_id in await state.lrange(RUNS, -10_000, -1)]


async def wake_jobs(state: Redis) -> None:
    """Tell one worker that there are jobs."""
    await state.lpush(JOBS, "look")


async def jobs_added(queue: Redis, *, timeout_seconds: int = 1) -> bool:
    """Wait for jobs; returns whether there was word of any.

    All wake-ups so far are taken at once: whoever hears them claims jobs until none is due.
    """
    found = await queue.brpop([JOBS], timeout=timeout_seconds)
    if found:
        await queue.delete(JOBS)
    return found is not None
