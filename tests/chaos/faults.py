"""The faults: processes killed, stopped or restarted, servers emptied, the model's answers cut."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp

from basechat.embedded.servers import redis
from basechat.infra.redis import REDIS_ERRORS, open_redis
from tests.e2e.site import Site

STOPPED_SECONDS = 3.0  # longer than the lease
RECOVERY_SECONDS = 15.0  # at most
PATIENCE = 60.0  # seconds; what can't start is started again later each time, after up to 30
KILLED = ("worker", "main-backend", "llm-agent", "mcp-server", "redis", "redis-state", "nginx")

Fault = Callable[[Site], Awaitable[None]]


def plan(count: int, seed: int) -> list[str]:
    """Names of faults in random order, each kind about equally often."""
    names = sorted(FAULTS)
    chosen = [names[number % len(names)] for number in range(count)]
    random.Random(seed).shuffle(chosen)  # noqa: S311 - a run that can be repeated, no secret
    return chosen


async def strike(site: Site, names: list[str], seed: int, done: Counter[str]) -> None:
    """Cause the faults one after the other, at random moments, and count them.

    Half of them come during the recovery from the previous one, and half after it, while answers are running.
    """
    moments = random.Random(seed)  # noqa: S311 - as above
    for name in names:
        if moments.random() < 0.5:
            await _recovered(site)
            await asyncio.sleep(moments.uniform(0.05, 2.0))
        else:
            await asyncio.sleep(moments.uniform(0.05, 1.0))
        await FAULTS[name](site)
        done[name] += 1


async def _recovered(site: Site) -> None:
    """Wait until every service is ready, at most `RECOVERY_SECONDS`."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        if all(service.phase == "ready" for service in site.services()) and await _serves(site):
            return
        await asyncio.sleep(0.1)


async def _serves(site: Site) -> bool:
    try:
        return await site.serves()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


def _kill(name: str) -> Fault:
    async def fault(site: Site) -> None:
        await _signal(site, name, signal.SIGKILL)

    return fault


async def _signal(site: Site, name: str, number: signal.Signals) -> None:
    """Wait until the service runs, then send it a signal."""
    async with asyncio.timeout(PATIENCE):
        while not _has_sent(site.service(name).pid, number):  # noqa: ASYNC110 - another process comes to it
            await asyncio.sleep(0.02)


def _has_sent(pid: int | None, number: signal.Signals) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _empty(name: str) -> Fault:
    async def fault(site: Site) -> None:
        try:
            async with open_redis(redis.url(site.basechat.layout, name)) as server:
                await server.flushall()
        except REDIS_ERRORS:
            return  # it was dead already, and has lost nothing by this

    return fault


async def _stop_worker(site: Site) -> None:
    await _signal(site, "worker", signal.SIGSTOP)
    await asyncio.sleep(STOPPED_SECONDS)
    await _signal(site, "worker", signal.SIGCONT)


async def _cut_answers(site: Site) -> None:
    site.upstream.cut()


def _restart_postgres(number: signal.Signals) -> Fault:
    async def fault(site: Site) -> None:
        await _signal(site, "postgres", number)

    return fault


FAULTS: dict[str, Fault] = {
    **{f"kill -9 {name}": _kill(name) for name in KILLED},
    **{f"empty {name}": _empty(name) for name in (redis.CACHE, redis.STATE)},
    "stop the worker past its lease": _stop_worker,
    "cut the model's answers": _cut_answers,
    "restart postgres, fast": _restart_postgres(signal.SIGINT),
    "restart postgres, immediate": _restart_postgres(signal.SIGQUIT),
}
