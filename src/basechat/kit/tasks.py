"""Background tasks, and a cancellation that waits for their end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_REPEAT_SECONDS = 0.5


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until they have ended, and ignore their results and errors.

    One cancellation is not enough: before Python 3.12, `asyncio.wait_for` loses a cancellation that arrives when
    its own task has just ended (gh-86296). Drivers use it for every command.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_REPEAT_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


class TaskSet:
    """Tasks that may outlive the code that started them, but not the resources that they use."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        # Start a task. Its error is not reported unless the task is awaited.
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TaskSet"]:
        try:
            yield self
        finally:
            await cancel_and_wait(*self._running)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # marks the error as retrieved, so that asyncio does not log it
