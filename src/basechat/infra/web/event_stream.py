"""An answer of server-sent events that ends its source when the client goes away."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from basechat.infra.web.leaving import has_left
from basechat.kit.tasks import end_tasks

_PART = 65_536  # bytes that wait in the server's own buffer at most, where a client reads slowly


class EventStream(Response):
    """Streams encoded events as they come; closes them when the client leaves."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        headers: Mapping[str, str] | None = None,
        *,
        ended: Callable[[], None] | None = None,
    ) -> None:
        """`ended` is called at the end whatever happened, also where the client left before the first event."""
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no", **(headers or {})})
        del self.headers["content-length"]
        self._events = events
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client has left."""
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(has_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                await sending
        finally:
            await end_tasks(sending, leaving)
            if self._ended is not None:
                self._ended()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._events) as events:
            async for piece in events:
                for at in range(0, len(piece), _PART):
                    await send({"type": "http.response.body", "body": piece[at : at + _PART], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
