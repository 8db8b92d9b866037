"""Streamed answers, which stop when the client disconnects."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from types import TracebackType

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_WATCH_DELAY_SECONDS = 0.005
_PART_BYTES = 65_536  # the most that waits in the server's buffer while a client reads slowly


class ClientDisconnectedError(Exception):
    """The client has closed its connection."""


class DisconnectWatcher:
    """Cancels work when the client closes its connection. The request's body must have been read before.

    Work inside `async with watcher:` is cancelled, and `ClientDisconnectedError` is raised, like `asyncio.timeout`. A
    watcher may be entered repeatedly, but not within itself. Its owner must `close` it. It starts to watch after a few
    milliseconds, so that a fast answer does not pay for it.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._has_cancelled = False
        self._timer = asyncio.get_running_loop().call_later(_WATCH_DELAY_SECONDS, self._start)

    def close(self) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    async def __aenter__(self) -> None:
        if self._watch is not None and self._watch.done():
            raise ClientDisconnectedError
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Only a cancellation by this watcher becomes `ClientDisconnectedError`.
        task, self._task = self._task, None
        if self._has_cancelled and task is not None and task.uncancel() <= self._cancelling:
            self._has_cancelled = False
            if kind is not None and issubclass(kind, asyncio.CancelledError):
                raise ClientDisconnectedError from error

    def _start(self) -> None:
        self._watch = asyncio.create_task(_wait_for_disconnect(self._receive))
        self._watch.add_done_callback(self._cancel)

    def _cancel(self, _watch: asyncio.Task[None]) -> None:
        if self._task is not None:
            self._has_cancelled = True
            self._task.cancel()


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """Streams encoded server-sent events, and closes their source when the client disconnects."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        headers: Mapping[str, str] | None = None,
        *,
        watcher: DisconnectWatcher | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """Pass `watcher` if the caller already watches the client.

        `ended` is always called at the end, even if the client disconnected before the first event.
        """
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no", **(headers or {})})
        self._events = events
        self._watcher = watcher
        self._ended = ended

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        all_headers = {**(headers or {}), "content-type": f"{self.media_type}; charset={self.charset}"}
        self.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in all_headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = self._watcher or DisconnectWatcher(receive)
        try:
            with suppress(ClientDisconnectedError):
                async with watcher:
                    await self._send(send)
        finally:
            if self._ended is not None:
                self._ended()
            watcher.close()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._events) as events:
            async for piece in events:
                for at in range(0, len(piece), _PART_BYTES):
                    await send({"type": "http.response.body", "body": piece[at : at + _PART_BYTES], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
