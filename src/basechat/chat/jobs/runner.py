"""The runner of jobs in a worker: claims what is due, renews leases, notes how each ended, gives back at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from basechat.chat.jobs.job import Handler, HopelessJobError, Job
from basechat.chat.jobs.lease import claim, complete, fail, give_back, renew
from basechat.infra.background import background, every
from basechat.infra.db import DATABASE_ERRORS, Database, retry_transient
from basechat.infra.queue import jobs_added, wake_jobs
from basechat.infra.redis import REDIS_ERRORS
from basechat.kit.config import Settings
from basechat.kit.tasks import cancel_and_wait

log = logging.getLogger(__name__)

JOB_SECONDS = 3600
LEAVE_SECONDS = 1.0
BREATHS = 20
_BREATH_SECONDS = 0.1
_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerParts:
    """What a runner works with. The queue is read on a client of its own: its reads block.

    `is_busy` says whether people wait for so many answers that jobs had better come later.
    """

    settings: Settings
    database: Database
    state: Redis
    queue: Redis
    handlers: Mapping[str, Handler]
    is_busy: Callable[[], bool]


class JobRunner:
    """Does jobs until it is told to stop, a few at once."""

    def __init__(self, parts: RunnerParts) -> None:
        self._parts = parts
        self._held: dict[asyncio.Task[None], Job] = {}
        self._slots = asyncio.Semaphore(parts.settings.job_concurrency)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work in the background; at the end claim no more and give back what does not end by itself at once."""
        async with background(every(self._parts.settings.run_heartbeat_seconds, self._renew)):
            try:
                async with background(self._claim_for_ever()):
                    yield
            finally:
                await self._leave()

    async def _claim_for_ever(self) -> None:
        while True:
            await self._slots.acquire()
            job = None
            try:
                job = await self._next()
            finally:
                if job is None:
                    self._slots.release()
            if job is not None:
                task = asyncio.create_task(self._work(job))
                self._held[task] = job
                task.add_done_callback(self._done)

    async def _next(self) -> Job | None:
        """Return a job that is due; where none is, return after being woken or, at the latest, a second later."""
        parts = self._parts
        await self._give_way()
        try:
            job = await claim(parts.database, parts.handlers.keys(), lease_seconds=parts.settings.run_lease_seconds)
            if job is None:
                await jobs_added(parts.queue)
            return job
        except REDIS_ERRORS as error:
            log.warning("wake-ups of jobs can't be heard, they are looked up in PostgreSQL: %s", error)
        except DATABASE_ERRORS as error:
            log.warning("jobs can't be looked up: %s", error)
        await asyncio.sleep(_PAUSE)
        return None

    async def _give_way(self) -> None:
        """Let answers go first, but for two seconds only: jobs are to be done under any load."""
        for _ in range(BREATHS):
            if not self._parts.is_busy():
                return
            await asyncio.sleep(_BREATH_SECONDS)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._slots.release()
        job = self._held.pop(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("how job %s ended can't be noted; it will be done again", job.id, exc_info=error)

    async def _work(self, job: Job) -> None:
        database = self._parts.database
        error = await self._do(job)
        if error is None:
            await retry_transient(lambda: complete(database, job))
            return
        hopeless = isinstance(error, HopelessJobError)
        reason = str(error) or type(error).__name__
        await retry_transient(lambda: fail(database, job, reason, hopeless=hopeless))

    async def _do(self, job: Job) -> Exception | None:
        """Do a job and return what went wrong, if anything did."""
        try:
            async with asyncio.timeout(JOB_SECONDS):
                await self._parts.handlers[job.kind](job)
        except HopelessJobError as error:
            log.info("job %s (%s) is given up: %s", job.id, job.kind, error)
            return error
        except Exception as error:
            log.exception("job %s (%s) failed at attempt %d", job.id, job.kind, job.attempt)
            return error
        return None

    async def _renew(self) -> None:
        """Renew all leases at once; what is not ours any more is dropped."""
        held = dict(self._held)
        if not held:
            return
        lease_seconds = self._parts.settings.run_lease_seconds
        ours = await renew(self._parts.database, held.values(), lease_seconds=lease_seconds)
        for task, job in held.items():
            if (job.id, job.attempt) not in ours:
                task.cancel()

    async def _leave(self) -> None:
        """Give what is under way a moment, then stop it and let others have it."""
        if self._held:
            await asyncio.wait(self._held, timeout=LEAVE_SECONDS)
        rest = dict(self._held)
        if not rest:
            return
        await cancel_and_wait(*rest)
        try:
            await give_back(self._parts.database, rest.values())
            await wake_jobs(self._parts.state)
        except DATABASE_ERRORS as error:
            log.warning("%d jobs can't be given back; their leases will end: %s", len(rest), error)
        except REDIS_ERRORS as error:
            log.warning("%d jobs wait to be looked up: %s", len(rest), error)
