"""Loops that run in the background of a service."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from basechat.kit.tasks import cancel_and_wait

log = logging.getLogger(__name__)

Loop = Coroutine[Any, Any, None]


@asynccontextmanager
async def background(*loops: Loop) -> AsyncIterator[None]:
    """Run endless loops.

    A loop that ends has failed. Then the process stops gracefully, and its supervisor restarts it. Without the loop the
    service would look healthy and do nothing.
    """
    tasks = [asyncio.create_task(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(_stop_service)
    try:
        yield
    finally:
        await cancel_and_wait(*tasks)


async def every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    # Repeat an action forever. A failure is logged; the next time may succeed.
    while True:
        await asyncio.sleep(seconds)
        try:
            await do()
        except Exception:
            log.exception("a periodic task failed")


def _stop_service(task: asyncio.Task[None]) -> None:
    if task.cancelled():
        return
    log.critical("a background loop ended; the service stops, so that it is restarted", exc_info=task.exception())
    signal.raise_signal(signal.SIGTERM)
