"""Clients that go away while their answer is made."""

import asyncio
from types import TracebackType

from starlette.types import Receive


class ClientLeftError(Exception):
    """Nobody waits for the answer any more."""


class Leaving:
    """Notices that a client closes its connection; its request must have been read.

    What is done within `async with leaving:` is cancelled then, and `ClientLeftError` is raised, in the way of
    `asyncio.timeout`. It may be entered again and again, but not within itself. Who has one must `close` it.
    """

    def __init__(self, receive: Receive) -> None:
        self._watch = asyncio.create_task(_has_left(receive))
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._stopped = False

    def close(self) -> None:
        """Watch no more."""
        self._watch.cancel()

    async def __aenter__(self) -> None:
        """Let what follows be cancelled when the client leaves."""
        if self._watch.done():
            raise ClientLeftError
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self._watch.add_done_callback(self._stop)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell a cancellation of ours from others."""
        self._watch.remove_done_callback(self._stop)
        task, self._task = self._task, None
        if self._stopped and task is not None and task.uncancel() <= self._cancelling:
            self._stopped = False
            if kind is not None and issubclass(kind, asyncio.CancelledError):
                raise ClientLeftError from error

    def _stop(self, _watch: asyncio.Task[None]) -> None:
        if self._task is not None:
            self._stopped = True
            self._task.cancel()


async def _has_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
