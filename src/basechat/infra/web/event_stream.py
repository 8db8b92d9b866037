"""An answer of server-sent events that ends its source when the client goes away."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from basechat.infra.web.disconnect import ClientDisconnectedError, DisconnectWatcher

_PART = 65_536  # bytes that wait in the server's own buffer at most, where a client reads slowly


class EventStream(Response):
    """Streams encoded events as they come; closes them when the client leaves."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        headers: Mapping[str, str] | None = None,
        *,
        watcher: DisconnectWatcher | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """Pass `watcher` when the caller already watches the client.

        `ended` is called at the end whatever happened, also where the client left before the first event.
        """
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no", **(headers or {})})
        self._events = events
        self._watcher = watcher
        self._ended = ended

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers; how long the body is nobody knows."""
        said = {**(headers or {}), "content-type": f"{self.media_type}; charset={self.charset}"}
        self.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client has left."""
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
                for at in range(0, len(piece), _PART):
                    await send({"type": "http.response.body", "body": piece[at : at + _PART], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
