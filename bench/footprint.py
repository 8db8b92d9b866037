"""How long the stack takes to start, and how much memory it holds while it is idle."""

import asyncio
import statistics

from bench.client import BenchError
from bench.figures import Figure
from bench.processes import memory
from bench.stack import Stack

FIRST_START_LIMIT_S = 90.0
SECOND_START_LIMIT_S = 8.0
MEMORY_LIMIT_MB = 600.0
SETTLE_SECONDS = 10
MEGABYTE = 1_000_000


async def measure_starts(stack: Stack, *, second_starts: int) -> list[Figure]:
    """Start on an empty data folder with the local model, then again on the same folder; leaves the stack stopped."""
    first = await _start(stack)
    second = [await _start(stack) for _ in range(second_starts)]
    return [
        Figure(name="First start, fresh data folder, to healthy", unit="s", ours=first, limit=FIRST_START_LIMIT_S),
        Figure(
            name=f"Second start to healthy, median of {second_starts}",
            unit="s",
            ours=statistics.median(second),
            limit=SECOND_START_LIMIT_S,
        ),
    ]


async def _start(stack: Stack) -> float:
    try:
        return await stack.up(local_model=True)
    finally:
        left = await stack.down()
        if left:
            raise BenchError(f"`basechat down` left behind: {', '.join(left)}")


async def measure_memory(stack: Stack, name: str, *, limited: bool) -> list[Figure]:
    """The memory of all processes of the running stack, after some seconds of idleness."""
    await asyncio.sleep(SETTLE_SECONDS)
    processes = stack.processes()
    total = memory(processes)
    if total is None:
        return []
    limit = MEMORY_LIMIT_MB if limited else None
    return [Figure(name=f"{name} ({len(processes)} processes)", unit="MB", ours=total.pss / MEGABYTE, limit=limit)]
