"""A bound on the size of request bodies, refused as an error of the app's own shape."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware that raises 413 where a body is read that says, or turns out, to be too large.

    Starlette's own limit answers with plain text, past all exception handlers.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        left = -1 if length.isdigit() and int(length) > self.max_bytes else self.max_bytes

        async def receive_counted() -> Message:
            nonlocal left
            if left >= 0:
                message = await receive()
                left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, "The body is larger than is accepted.")
            return message

        await self.app(scope, receive_counted, send)
