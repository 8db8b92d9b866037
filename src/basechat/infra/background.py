"""Loops that run beside a service for as long as it runs."""

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
    """Run loops that never end by themselves.

    One that does so nevertheless has broken: then the process stops in good order, and whoever watches over it
    starts it anew. Going on without the loop would look healthy and do nothing.
    """
    tasks = [asyncio.create_task(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(_stop_if_broken)
    try:
        yield
    finally:
        await cancel_and_wait(*tasks)


async def every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    """Do something for ever; what goes wrong is logged and tried again the next time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await do()
        except Exception:
            log.exception("upkeep failed")


def _stop_if_broken(task: asyncio.Task[None]) -> None:
    if task.cancelled():
        return
    log.critical("a loop ended; the service stops to be started anew", exc_info=task.exception())
    signal.raise_signal(signal.SIGTERM)
