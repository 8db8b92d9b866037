"""Reconnecting to a running answer: time to the first missed byte."""

import asyncio
import time

from bench.client import BenchError, Connection
from bench.figures import Figure, percentile
from bench.runs import open_viewer, send, watching
from bench.sides import Sides

MODEL = "stamped-250x20ms"  # 5 s: longer than the viewers of one run need
WATCHED_SECONDS = 1.0
RETURNS_PER_RUN = 50
APART_SECONDS = 0.02  # so that the server has closed the previous viewer's connection
LIMIT_MS = 10.0


async def measure(sides: Sides, *, count: int) -> list[Figure]:
    """Let a viewer leave after a second and return `count` times, each time on a new connection."""
    times: list[float] = []
    while len(times) < count:
        times += await _come_back_often(sides, min(RETURNS_PER_RUN, count - len(times)))
    name = "Reconnecting to a running answer, first replayed byte"
    return [
        Figure(name=f"{name}, p50", unit="ms", ours=percentile(times, 50), limit=LIMIT_MS),
        Figure(name=f"{name}, p99", unit="ms", ours=percentile(times, 99)),
    ]


async def _come_back_often(sides: Sides, count: int) -> list[float]:
    run, _ = await send(sides.api, MODEL)
    last_id = await _leave(sides, run)
    times = [await _come_back(sides, run, last_id) for _ in range(count)]
    if (await sides.api.call("GET", f"/api/runs/{run}"))["status"] != "running":
        raise BenchError("the answer ended before all viewers had come back")
    await sides.api.call("POST", f"/api/runs/{run}/cancel")
    return times


async def _leave(sides: Sides, run: str) -> str:
    """Watch for a while; returns the id of the last event."""
    viewer = await open_viewer(sides, run)
    exchange = await viewer.until(b"message.delta")
    await asyncio.sleep(WATCHED_SECONDS)
    viewer.close()
    return exchange.body.rpartition(b"id: ")[2].partition(b"\n")[0].decode()


async def _come_back(sides: Sides, run: str, last_id: str) -> float:
    """The milliseconds from connecting to the first byte."""
    began = time.monotonic_ns()
    viewer = await Connection.open(sides.address)
    await viewer.begin(watching(sides.api, run, last_id))
    exchange = await viewer.until(b"data: ")
    viewer.close()
    await asyncio.sleep(APART_SECONDS)
    if b"message.delta" not in exchange.body:
        raise BenchError(f"a viewer came back to {exchange.body[:200]!r}")
    return (exchange.arrivals[0][0] - began) / 1e6
