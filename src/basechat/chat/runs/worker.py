"""The worker: claims and executes runs, renews their leases, keeps their texts, and hands them over when it stops."""

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from basechat.chat.runs.answer import Answerer, RunRequest
from basechat.chat.runs.execution import Execution
from basechat.chat.runs.lease import claim, find_queued, hand_over, keep_texts, list_cancelled, renew
from basechat.infra.background import background, every
from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.infra.events.writer import LogWriter
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.infra.redis.signals import CancelListener, next_run, wake, wake_jobs
from basechat.kit.config import Settings

log = logging.getLogger(__name__)

KEEP_TEXT_SECONDS = 2.0
POLL_CANCELS_SECONDS = 0.5
HAND_OVER_AFTER_SECONDS = 20.0
BUSY_RUNS = 8
_RETRY_SECONDS = 0.5
_EARLY_CANCELS = 1000  # remembered, because a cancel request may arrive before the claim of its run returns


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerParts:
    """The dependencies of a worker. `queue` is a client of its own, because its reads block."""

    settings: Settings
    database: Database
    state: Redis
    queue: Redis
    writer: LogWriter
    answerer: Answerer


class RunWorker:
    """Executes runs, many at a time."""

    def __init__(self, parts: WorkerParts) -> None:
        self._parts = parts
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._held: dict[UUID, Execution] = {}
        self._cancels = CancelListener(parts.state)
        self._early: deque[UUID] = deque(maxlen=_EARLY_CANCELS)
        self._slots = asyncio.Semaphore(parts.settings.worker_concurrency)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        return len(self._held) > BUSY_RUNS

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        upkeep = background(
            self._parts.writer.run(),
            every(self._parts.settings.run_heartbeat_seconds, self._renew),
            every(KEEP_TEXT_SECONDS, self._keep_texts),
            self._listen_for_cancels(),
            every(POLL_CANCELS_SECONDS, self._poll_cancels),
        )
        async with upkeep:
            try:
                async with background(self._claim_forever()):
                    yield
            finally:
                await self._drain()

    async def _claim_forever(self) -> None:
        while True:
            await self._slots.acquire()
            try:
                run_id = await self._next()
            except BaseException:
                self._slots.release()
                raise
            if run_id is None:
                self._slots.release()
                continue
            task = asyncio.create_task(self._work(run_id))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def _next(self) -> UUID | None:
        try:
            return await next_run(self._parts.queue)
        except REDIS_ERRORS as error:
            log.warning("can't read the queue, polling PostgreSQL instead: %s", error)
        await asyncio.sleep(_RETRY_SECONDS)
        try:
            return await find_queued(self._parts.database)
        except DATABASE_ERRORS as error:
            log.warning("can't look up runs: %s", error)
            return None

    def _done(self, task: asyncio.Task[None]) -> None:
        self._slots.release()
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the execution of a run broke; the reaper will queue the run again", exc_info=error)

    async def _work(self, run_id: UUID) -> None:
        lease_seconds = self._parts.settings.run_lease_seconds
        request = await claim(self._parts.database, run_id, worker=self._name, lease_seconds=lease_seconds)
        if request is not None:
            await self._execute(request)

    async def _execute(self, request: RunRequest) -> None:
        parts, run_id = self._parts, request.run_id
        run_log = parts.writer.open(run_id, request.attempt)
        titled = parts.settings.titles == "model"
        execution = Execution(request, run_log, database=parts.database, answerer=parts.answerer, titled=titled)
        if former := self._held.get(run_id):  # our lease expired, and this worker claimed the run again
            former.stop(is_cancelled=False)
        self._held[run_id] = execution
        if run_id in self._early:
            execution.stop(is_cancelled=True)
        try:
            next_id = await execution.run()
        finally:
            if self._held.get(run_id) is execution:
                del self._held[run_id]
            parts.writer.close(run_log)
        if next_id is not None:
            await self._wake(next_id)
        if execution.has_jobs:
            await self._wake_jobs()

    async def _wake_jobs(self) -> None:
        try:
            await wake_jobs(self._parts.state)
        except REDIS_ERRORS as error:
            log.warning("jobs wait for the next poll: %s", error)

    async def _wake(self, run_id: UUID) -> None:
        try:
            await wake(self._parts.state, run_id)
        except REDIS_ERRORS as error:
            log.warning("run %s waits for the reaper: %s", run_id, error)

    async def _listen_for_cancels(self) -> None:
        async for run_id in self._cancels.listen():
            self._cancel(run_id)

    async def _poll_cancels(self) -> None:
        """Read cancel requests from the rows after redis-state was away."""
        if not self._held or not self._cancels.has_missed():
            return
        for run_id in await list_cancelled(self._parts.database, self._held):
            self._cancel(run_id)

    def _cancel(self, run_id: UUID) -> None:
        if execution := self._held.get(run_id):
            execution.stop(is_cancelled=True)
        else:
            self._early.append(run_id)

    async def _renew(self) -> None:
        """Renew all leases at once; stop runs that are lost or cancelled."""
        executions = list(self._held.values())
        if not executions:
            return
        renewed = await renew(
            self._parts.database,
            [each.lease for each in executions],
            lease_seconds=self._parts.settings.run_lease_seconds,
        )
        for execution in executions:
            if execution.lease.run_id not in renewed:
                execution.stop(is_cancelled=False)
            elif renewed[execution.lease.run_id]:
                execution.stop(is_cancelled=True)

    async def _keep_texts(self) -> None:
        grown = [each for each in self._held.values() if each.log.length > each.kept_length]
        if not grown:
            return
        lengths = [each.log.length for each in grown]
        await keep_texts(self._parts.database, {each.lease: each.log.text for each in grown})
        for execution, length in zip(grown, lengths, strict=True):
            execution.kept_length = length

    async def _drain(self) -> None:
        """Wait some time for the runs in progress, then hand over the rest with their texts."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=HAND_OVER_AFTER_SECONDS)
        rest = list(self._held.values())
        if rest:
            await self._hand_over(rest)
        await self._parts.writer.drain(timeout=2)

    async def _hand_over(self, rest: list[Execution]) -> None:
        try:
            await self._keep_texts()
            handed = await hand_over(self._parts.database, [each.lease for each in rest])
        except DATABASE_ERRORS as error:
            log.warning("can't hand over %d runs; their leases will expire: %s", len(rest), error)
            handed = []
        for execution in rest:
            execution.stop(is_cancelled=False)
        for run_id in handed:
            await self._wake(run_id)
