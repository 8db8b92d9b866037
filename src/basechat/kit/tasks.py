"""Ending tasks for certain."""

import asyncio
from typing import Any

_PATIENCE = 0.5  # seconds


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they have ended; what they return or raise is dropped.

    Once is not enough: before Python 3.12 `asyncio.wait_for` swallows a cancellation that comes just when what
    it waits for is done (gh-86296), and drivers use it for every command.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_PATIENCE)
    await asyncio.gather(*tasks, return_exceptions=True)
