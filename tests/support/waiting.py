"""Waiting for what no event tells, with a bound."""

import asyncio
from collections.abc import Awaitable, Callable

SECONDS = 10


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it holds; raises `TimeoutError`."""
    async with asyncio.timeout(SECONDS):
        while not await holds():  # noqa: ASYNC110 - another process is asked
            await asyncio.sleep(0.01)
