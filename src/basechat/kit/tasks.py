"""TaskSet, and ending them for certain."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE = 0.5  # seconds


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they have ended; what they return or raise is dropped.

    Once is not enough: before Python 3.12 `asyncio.wait_for` swallows a cancellation that comes just when what
    it waits for is done (gh-86296), and drivers use it for every command.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_PATIENCE)
    await asyncio.gather(*tasks, return_exceptions=True)


class TaskSet:
    """TaskSet that may outlive whoever started them, but not what they work with."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task; what goes wrong in it may be of no interest to anybody any more."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TaskSet"]:
        """End at the end what still runs."""
        try:
            yield self
        finally:
            await cancel_and_wait(*self._running)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # so that one that nobody waits for is not reported as forgotten
