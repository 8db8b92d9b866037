"""Clients that go away while their answer is made."""

import asyncio
from types import TracebackType

from starlette.types import Receive

_LATER_SECONDS = 0.005


class ClientDisconnectedError(Exception):
    """Nobody waits for the answer any more."""


class DisconnectWatcher:
    """Notices that a client closes its connection; its request must have been read.

    What is done within `async with watcher:` is cancelled then, and `ClientDisconnectedError` is raised, in the way of
    `asyncio.timeout`. It may be entered again and again, but not within itself. Who has one must `close` it. The watch
    begins a few milliseconds later, so that it costs an answer nothing that is there by then.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._stopped = False
        self._later = asyncio.get_running_loop().call_later(_LATER_SECONDS, self._begin)

    def close(self) -> None:
        """Watch no more."""
        self._later.cancel()
        if self._watch is not None:
            self._watch.cancel()

    async def __aenter__(self) -> None:
        """Let what follows be cancelled when the client leaves."""
        if self._watch is not None and self._watch.done():
            raise ClientDisconnectedError
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell a cancellation of ours from others."""
        task, self._task = self._task, None
        if self._stopped and task is not None and task.uncancel() <= self._cancelling:
            self._stopped = False
            if kind is not None and issubclass(kind, asyncio.CancelledError):
                raise ClientDisconnectedError from error

    def _begin(self) -> None:
        self._watch = asyncio.create_task(_has_left(self._receive))
        self._watch.add_done_callback(self._stop)

    def _stop(self, _watch: asyncio.Task[None]) -> None:
        if self._task is not None:
            self._stopped = True
            self._task.cancel()


async def _has_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
