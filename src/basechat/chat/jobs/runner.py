"""The job runner of a worker: claims due jobs, executes them, and gives back the rest when it stops."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from basechat.chat.jobs.queue import Handler, Job, PermanentJobError, claim, complete, fail, give_back, renew
from basechat.infra.background import background, every
from basechat.infra.db import DATABASE_ERRORS, Database, retry_transient
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.infra.redis.signals import jobs_added, wake_jobs
from basechat.kit.config import Settings
from basechat.kit.tasks import cancel_and_wait

log = logging.getLogger(__name__)

JOB_SECONDS = 3600  # the longest attempt
DRAIN_SECONDS = 1.0
YIELD_CHECKS = 20
_YIELD_SECONDS = 0.1
_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerParts:
    """The dependencies of a runner. `queue` is a client of its own, because its reads block.

    While `is_busy` returns True, jobs yield to answers.
    """

    settings: Settings
    database: Database
    state: Redis
    queue: Redis
    handlers: Mapping[str, Handler]
    is_busy: Callable[[], bool]


class JobRunner:
    """Executes jobs, a few at a time."""

    def __init__(self, parts: RunnerParts) -> None:
        self._parts = parts
        self._held: dict[asyncio.Task[None], Job] = {}
        self._slots = asyncio.Semaphore(parts.settings.job_concurrency)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with background(every(self._parts.settings.run_heartbeat_seconds, self._renew)):
            try:
                async with background(self._claim_forever()):
                    yield
            finally:
                await self._drain()

    async def _claim_forever(self) -> None:
        while True:
            await self._slots.acquire()
            job = None
            try:
                job = await self._next()
            finally:
                if job is None:
                    self._slots.release()
            if job is not None:
                task = asyncio.create_task(self._execute(job))
                self._held[task] = job
                task.add_done_callback(self._done)

    async def _next(self) -> Job | None:
        """Claim a due job. Without one, wait for a wake-up, for one second at most."""
        parts = self._parts
        await self._yield_to_answers()
        try:
            job = await claim(parts.database, parts.handlers.keys(), lease_seconds=parts.settings.run_lease_seconds)
            if job is None:
                await jobs_added(parts.queue)
            return job
        except REDIS_ERRORS as error:
            log.warning("can't read wake-ups of jobs, polling PostgreSQL instead: %s", error)
        except DATABASE_ERRORS as error:
            log.warning("can't claim jobs: %s", error)
        await asyncio.sleep(_RETRY_SECONDS)
        return None

    async def _yield_to_answers(self) -> None:
        """Wait while the worker is busy, for two seconds at most: jobs must progress under any load."""
        for _ in range(YIELD_CHECKS):
            if not self._parts.is_busy():
                return
            await asyncio.sleep(_YIELD_SECONDS)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._slots.release()
        job = self._held.pop(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("can't store the end of job %s; it will be retried", job.id, exc_info=error)

    async def _execute(self, job: Job) -> None:
        database = self._parts.database
        error = await self._handle(job)
        if error is None:
            await retry_transient(lambda: complete(database, job))
            return
        permanent = isinstance(error, PermanentJobError)
        reason = str(error) or type(error).__name__
        await retry_transient(lambda: fail(database, job, reason, permanent=permanent))

    async def _handle(self, job: Job) -> Exception | None:
        try:
            async with asyncio.timeout(JOB_SECONDS):
                await self._parts.handlers[job.kind](job)
        except PermanentJobError as error:
            log.info("job %s (%s) failed permanently: %s", job.id, job.kind, error)
            return error
        except Exception as error:
            log.exception("job %s (%s) failed at attempt %d", job.id, job.kind, job.attempt)
            return error
        return None

    async def _renew(self) -> None:
        """Renew all leases at once and stop jobs that another worker holds now."""
        held = dict(self._held)
        if not held:
            return
        lease_seconds = self._parts.settings.run_lease_seconds
        renewed = await renew(self._parts.database, held.values(), lease_seconds=lease_seconds)
        for task, job in held.items():
            if (job.id, job.attempt) not in renewed:
                task.cancel()

    async def _drain(self) -> None:
        """Wait a moment for the jobs in progress, then stop them and give them back."""
        if self._held:
            await asyncio.wait(self._held, timeout=DRAIN_SECONDS)
        rest = dict(self._held)
        if not rest:
            return
        await cancel_and_wait(*rest)
        try:
            await give_back(self._parts.database, rest.values())
            await wake_jobs(self._parts.state)
        except DATABASE_ERRORS as error:
            log.warning("can't give back %d jobs; their leases will expire: %s", len(rest), error)
        except REDIS_ERRORS as error:
            log.warning("%d jobs wait for the next poll: %s", len(rest), error)
