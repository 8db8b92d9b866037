"""Signals to workers through redis-state: a run was queued, jobs were added, a run was cancelled.

They only save time: the rows in PostgreSQL are the truth.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import UUID

from redis.asyncio.client import PubSub
from redis.exceptions import TimeoutError as RedisTimeoutError

from basechat.infra.redis.client import REDIS_ERRORS, Pipeline, Redis, as_bytes

log = logging.getLogger(__name__)

RUNS = "queue:runs"
JOBS = "queue:jobs"
CANCELS = "queue:cancels"

_RECONNECT_SECONDS = 0.5
_IDLE_SECONDS = 1.0  # without a message; then a ping, and after the same time without a reply a new connection


async def wake(state: Redis, *run_ids: UUID) -> None:
    await state.lpush(RUNS, *(str(run_id) for run_id in run_ids))


def add_wake(pipeline: Pipeline, run_id: UUID) -> None:
    # Add to a pipeline what wakes one worker for a queued run.
    pipeline.lpush(RUNS, str(run_id))


async def next_run(queue: Redis, *, timeout_seconds: int = 1) -> UUID | None:
    found = await queue.brpop([RUNS], timeout=timeout_seconds)
    return UUID(as_bytes(found[1]).decode()) if found else None


async def waiting_runs(state: Redis) -> list[UUID]:
    """Runs whose signal no worker has taken yet; the oldest 10,000."""
    return [UUID(as_bytes(run_id).decode()) for run_id in await state.lrange(RUNS, -10_000, -1)]


async def wake_jobs(state: Redis) -> None:
    await state.lpush(JOBS, "look")


async def jobs_added(queue: Redis, *, timeout_seconds: int = 1) -> bool:
    """Wait for a signal that jobs were added; returns whether there was one.

    All signals so far are taken at once: the worker that takes them claims jobs until no job is due.
    """
    found = await queue.brpop([JOBS], timeout=timeout_seconds)
    if found:
        await queue.delete(JOBS)
    return found is not None


async def announce_cancel(state: Redis, run_id: UUID) -> None:
    await state.publish(CANCELS, str(run_id))


class CancelListener:
    """Receives cancelled runs, and knows when it may have missed some."""

    def __init__(self, state: Redis) -> None:
        self._state = state
        self._is_listening = False
        self._has_missed = False

    async def listen(self) -> AsyncIterator[UUID]:
        while True:
            try:
                async with self._state.pubsub() as channel:
                    await channel.subscribe(CANCELS)
                    async for run_id in self._receive(channel):
                        yield run_id
            except REDIS_ERRORS as error:
                log.warning("signals of cancelled runs can't be received, workers read the rows: %s", error)
            finally:
                self._is_listening = False
            await asyncio.sleep(_RECONNECT_SECONDS)

    def has_missed(self) -> bool:
        # Whether signals may have been missed since the last call of this method.
        missed, self._has_missed = self._has_missed or not self._is_listening, False
        return missed

    async def _receive(self, channel: PubSub) -> AsyncIterator[UUID]:
        is_pinged = False
        while True:
            message = await channel.get_message(timeout=_IDLE_SECONDS)
            if message is None:
                if is_pinged:
                    raise RedisTimeoutError("no reply to a ping")
                await channel.ping()
                is_pinged = True
                continue
            is_pinged = False
            if message["type"] == "subscribe":
                self._is_listening, self._has_missed = True, True
            elif message["type"] == "message":
                yield UUID(message["data"].decode())
