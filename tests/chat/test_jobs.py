"""Jobs are claimed by one worker, retried after failures, given up after five attempts, and deleted after a week."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from basechat.chat.jobs.queue import MAX_ATTEMPTS, Handler, Job, PermanentJobError, claim, complete, fail, renew
from basechat.chat.jobs.runner import YIELD_CHECKS, JobRunner, RunnerParts
from basechat.chat.runs.reap import Reaper
from basechat.infra.redis import open_redis
from basechat.infra.redis.signals import JOBS, wake_jobs
from basechat.infra.resources import Resources
from basechat.kit import json
from basechat.kit.ids import new_id
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.stack import Servers, Stack
from tests.support.waiting import until

KIND = "errand"
ROW = "SELECT status, attempt, error, lease_until IS NULL, finished_at IS NOT NULL FROM jobs WHERE id = :id"

INSERT = "INSERT INTO jobs (id, kind, payload) VALUES (:id, :kind, :payload)"


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack without workers; redis-state has a database of its own."""
    state = stack.resources.settings.state_redis_url.replace("db=0", "db=7")
    changes = {"run_heartbeat_seconds": 0.1, "job_concurrency": 3}
    async with quiet_stack(servers, stack.upstream, redis_state_url=state, **changes) as running:
        yield running
        await running.resources.state.flushdb()


@pytest.fixture(autouse=True)
async def resources(quiet: Quiet) -> AsyncIterator[Resources]:
    """Connections; each test begins without jobs."""
    yield quiet.resources
    await as_owner(quiet.settings, "DELETE FROM jobs")


@asynccontextmanager
async def _runner(
    resources: Resources, do: Handler, *, is_busy: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    settings = resources.settings
    async with open_redis(settings.state_redis_url, max_connections=1) as queue:
        parts = RunnerParts(
            settings=settings,
            database=resources.database,
            state=resources.state,
            queue=queue,
            handlers={KIND: do},
            is_busy=is_busy,
        )
        async with JobRunner(parts).working():
            yield


async def _add(resources: Resources, count: int = 1, kind: str = KIND, *, tell: bool = True) -> list[UUID]:
    jobs = [new_id() for _ in range(count)]
    for number, job in enumerate(jobs):
        await as_owner(resources.settings, INSERT, id=job, kind=kind, payload=json.dumps({"number": number}).decode())
    if tell:
        await wake_jobs(resources.state)
    return jobs


async def _row(resources: Resources, job: UUID) -> tuple[Any, ...]:
    return (await as_owner(resources.settings, ROW, id=job))[0]


async def _until_status(resources: Resources, jobs: list[UUID], status: str) -> None:
    async def all_are() -> bool:
        return {(await _row(resources, job))[0] for job in jobs} == {status}

    await until(all_are)


async def _make_due(resources: Resources) -> None:
    await as_owner(resources.settings, "UPDATE jobs SET due_at = now() WHERE status = 'queued'")
    await wake_jobs(resources.state)


async def _expire(resources: Resources) -> None:
    """Let all leases of jobs expire, and run the reaper."""
    await as_owner(resources.settings, "UPDATE jobs SET lease_until = now() - interval '1 second'")
    await Reaper(resources.database, resources.state, every_seconds=1).repair()


async def test_jobs_yield_to_answers_for_a_bounded_time(resources: Resources) -> None:
    asked = Counter[str]()

    async def do(job: Job) -> None:
        asked["done"] += 1

    def is_busy() -> bool:
        asked["busy"] += not asked["done"]
        return True

    async with _runner(resources, do, is_busy=is_busy):
        await _until_status(resources, await _add(resources), "completed")
    assert asked["busy"] >= YIELD_CHECKS


async def test_many_runners_do_each_job_once(resources: Resources) -> None:
    done = Counter[UUID]()

    async def do(job: Job) -> None:
        await asyncio.sleep(0)
        done[job.id] += 1

    async with _runner(resources, do), _runner(resources, do), _runner(resources, do):
        jobs = await _add(resources, 40)
        await _until_status(resources, jobs, "completed")
    assert done == Counter(jobs)
    assert {await _row(resources, job) for job in jobs} == {("completed", 1, None, True, True)}


async def test_a_runner_executes_a_few_jobs_at_once(resources: Resources) -> None:
    under_way, most, gate = 0, 0, asyncio.Event()

    async def do(job: Job) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 3:
            gate.set()
        await gate.wait()
        under_way -= 1

    async with _runner(resources, do):
        await _until_status(resources, await _add(resources, 12), "completed")
    assert most == 3


async def test_a_job_without_a_wake_up_is_found(resources: Resources) -> None:
    async def do(job: Job) -> None:
        assert job.payload == {"number": 0}

    async with _runner(resources, do):
        await _until_status(resources, await _add(resources, tell=False), "completed")


async def test_wake_ups_do_not_pile_up(resources: Resources) -> None:
    async def do(job: Job) -> None:
        return

    for _ in range(20):
        await wake_jobs(resources.state)
    async with _runner(resources, do):
        await _until_status(resources, await _add(resources), "completed")
    assert await resources.state.llen(JOBS) <= 1


async def test_a_failed_job_is_retried_after_growing_pauses(resources: Resources) -> None:
    async def do(job: Job) -> None:
        raise ValueError(f"no luck at attempt {job.attempt}\x00")

    waits = "SELECT round(extract(epoch FROM due_at - now()) / 10)::int FROM jobs"
    seen = []
    async with _runner(resources, do):
        [job] = await _add(resources)
        for attempt in range(1, MAX_ATTEMPTS):

            async def has_failed(attempt: int = attempt) -> bool:
                return (await _row(resources, job))[:2] == ("queued", attempt)

            await until(has_failed)
            seen += await as_owner(resources.settings, waits)
            await _make_due(resources)
        await _until_status(resources, [job], "failed")
    assert seen == [(1,), (4,), (16,), (64,)]
    assert await _row(resources, job) == ("failed", MAX_ATTEMPTS, "no luck at attempt 5", True, True)


async def test_a_permanent_error_ends_a_job_at_once(resources: Resources) -> None:
    async def do(job: Job) -> None:
        raise PermanentJobError("never")

    async with _runner(resources, do):
        [job] = await _add(resources)
        await _until_status(resources, [job], "failed")
    assert await _row(resources, job) == ("failed", 1, "never", True, True)


async def test_a_worker_leaves_unknown_kinds_alone(resources: Resources) -> None:
    async def do(job: Job) -> None:
        return

    [strange] = await _add(resources, kind="of the future")
    async with _runner(resources, do):
        await _until_status(resources, await _add(resources), "completed")
    assert (await _row(resources, strange))[:2] == ("queued", 0)


async def test_another_worker_executes_the_job_of_a_dead_one(resources: Resources) -> None:
    done = []

    async def do(job: Job) -> None:
        done.append(job.attempt)

    database = resources.database
    [job] = await _add(resources)
    dead = await claim(database, [KIND], lease_seconds=30)
    assert dead is not None
    await _expire(resources)
    async with _runner(resources, do):
        await _until_status(resources, [job], "completed")
    await complete(database, dead)
    await fail(database, dead, "late", permanent=True)
    assert await renew(database, [dead], lease_seconds=30) == set()
    assert done == [2]
    assert await _row(resources, job) == ("completed", 2, None, True, True)


async def test_a_job_that_kills_its_workers_is_given_up(resources: Resources) -> None:
    [job] = await _add(resources)
    for _ in range(MAX_ATTEMPTS):
        await _make_due(resources)
        assert await claim(resources.database, [KIND], lease_seconds=30)
        await _expire(resources)
    assert await _row(resources, job) == ("failed", MAX_ATTEMPTS, "Its worker was lost.", True, True)


async def test_a_runner_stops_a_job_that_it_has_lost(resources: Resources) -> None:
    stopped, attempts = asyncio.Event(), []

    async def do(job: Job) -> None:
        attempts.append(job.attempt)
        if job.attempt > 1:
            return
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with _runner(resources, do):
        [job] = await _add(resources)

        async def is_running() -> bool:
            return bool((await _row(resources, job))[0] == "running")

        await until(is_running)
        await _expire(resources)
        await wake_jobs(resources.state)
        async with asyncio.timeout(10):
            await stopped.wait()
        await _until_status(resources, [job], "completed")
    assert attempts == [1, 2]


async def test_a_runner_that_stops_gives_its_jobs_back(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basechat.chat.jobs.runner.DRAIN_SECONDS", 0.05)
    begun = asyncio.Event()

    async def hang(_: Job) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def do(job: Job) -> None:
        assert job.attempt == 2

    [job] = await _add(resources)
    async with _runner(resources, hang), asyncio.timeout(10):
        await begun.wait()
    assert (await _row(resources, job))[:2] == ("queued", 1)
    async with _runner(resources, do):
        await _until_status(resources, [job], "completed")


async def test_ended_jobs_are_deleted_after_a_week(resources: Resources) -> None:
    old, new, open_ = await _add(resources, 3)
    age = "UPDATE jobs SET finished_at = now() - make_interval(days => :days), status = 'completed' WHERE id = :id"
    await as_owner(resources.settings, age, id=old, days=8)
    await as_owner(resources.settings, age, id=new, days=6)
    await Reaper(resources.database, resources.state, every_seconds=1).clean_up()
    assert await as_owner(resources.settings, "SELECT id FROM jobs ORDER BY id") == [(new,), (open_,)]
