"""Waiting for a condition, with a time limit."""

import asyncio
from collections.abc import Awaitable, Callable

SECONDS = 20


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Poll until the condition holds; raises `TimeoutError`."""
    async with asyncio.timeout(SECONDS):
        while not await holds():  # noqa: ASYNC110 - another process is asked
            await asyncio.sleep(0.01)
