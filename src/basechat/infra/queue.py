"""Wake-ups: a worker hears at once of a run to execute or to cancel. The rows in PostgreSQL are the truth."""

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from basechat.infra.redis import REDIS_AWAY, as_bytes

log = logging.getLogger(__name__)

RUNS = "queue:runs"
CANCELS = "queue:cancels"
_PAUSE = 0.5


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


async def announce_cancel(state: Redis, run_id: UUID) -> None:
    """Tell all workers that a run is to be cancelled."""
    await state.publish(CANCELS, str(run_id))


async def cancels(state: Redis) -> AsyncIterator[UUID]:
    """Yield the runs that are to be cancelled, for ever; a heartbeat finds those that were missed."""
    while True:
        try:
            async with state.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(CANCELS)
                while True:
                    message = await channel.get_message(timeout=1)
                    if message:
                        yield UUID(message["data"].decode())
        except REDIS_AWAY as error:
            log.warning("cancels can't be heard: %s", error)
            await asyncio.sleep(_PAUSE)
