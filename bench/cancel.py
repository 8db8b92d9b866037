"""Cancelling an answer: time until the model's call is closed and the run has ended, with and without redis-state."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bench.figures import Figure, percentile
from bench.runs import closed_at, open_viewer, send, until, until_status
from bench.sides import Sides
from bench.stack import Stack

MODEL = "stall-5"
STATE = "redis-state"
LIMIT_MS, LIMIT_WITHOUT_STATE_MS = 300.0, 1000.0

Ended = Callable[[str], Awaitable[int]]


async def measure(sides: Sides, *, count: int) -> list[Figure]:
    """Cancel `count` answers, one after the other. A run has ended when its viewer receives the end."""

    async def cancel(run: str) -> tuple[int, int]:
        viewer = await open_viewer(sides, run)
        await viewer.until(b" w5")
        began = time.monotonic_ns()
        await sides.api.call("POST", f"/api/runs/{run}/cancel")
        return began, (await viewer.end()).ended_at

    return await _figures(sides, "Cancel", cancel, count=count, limit=LIMIT_MS)


async def measure_without_state(stack: Stack, sides: Sides, *, count: int) -> list[Figure]:
    """The same while redis-state is away. A run has ended when its row shows it."""

    async def cancel(run: str) -> tuple[int, int]:
        await until_status(sides.api, run, "running")
        began = time.monotonic_ns()
        await sides.api.call("POST", f"/api/runs/{run}/cancel")
        await until_status(sides.api, run, "cancelled")
        return began, time.monotonic_ns()

    async with _without_state(stack, sides):
        name = "Cancel without redis-state"
        return await _figures(sides, name, cancel, count=count, limit=LIMIT_WITHOUT_STATE_MS)


async def _figures(
    sides: Sides, name: str, cancel: Callable[[str], Awaitable[tuple[int, int]]], *, count: int, limit: float
) -> list[Figure]:
    contents, times = [], []
    for _ in range(count):
        run, content = await send(sides.api, MODEL)
        times.append(await cancel(run))
        contents.append(content)
    closed = await closed_at(sides.upstream, contents)
    to_model = [(at - began) / 1e6 for at, (began, _) in zip(closed, times, strict=True)]
    to_end = [(ended - began) / 1e6 for began, ended in times]
    return [
        Figure(name=f"{name}, {what}, p{percent}", unit="ms", ours=percentile(values, percent), limit=limit)
        for what, values in (("to the model's connection closed", to_model), ("to the run's end", to_end))
        for percent in (50, 99)
    ]


@asynccontextmanager
async def _without_state(stack: Stack, sides: Sides) -> AsyncIterator[None]:
    """Kill redis-state, and move its folder away so that it can't start, until the measurement is done."""
    folder = stack.layout.files(STATE)
    aside = folder.with_name(f"{STATE}-aside")
    folder.rename(aside)
    try:
        stack.kill(STATE)
        await until(lambda: _state_is(sides, "down"))
        yield
    finally:
        aside.rename(folder)
    await until(lambda: _state_is(sides, "ok"))


async def _state_is(sides: Sides, wanted: str) -> bool:
    health = await sides.api.call("GET", "/api/health")
    return bool(health["dependencies"][STATE] == wanted)
