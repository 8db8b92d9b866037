"""ASGI middleware of all services: an id per request, and a limit on the size of bodies."""

import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from basechat.kit.ids import new_id
from basechat.kit.logging import logged_with

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestContext:
    """Gives each request an id: nginx's, or a new one. Log lines and the response contain it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        request_id = given if _SAFE_ID.fullmatch(given) else new_id().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        with logged_with(request_id):
            await self.app(scope, receive, send_with_id)


class BodyLimit:
    """Raises 413 when the app reads a body that is too large, by its content-length or its actual size.

    Starlette's own limit bypasses the app's exception handlers, and answers with plain text.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        remaining = -1 if length.isdigit() and int(length) > self.max_bytes else self.max_bytes

        async def receive_counted() -> Message:
            nonlocal remaining
            if remaining >= 0:
                message = await receive()
                remaining -= len(message.get("body", b""))
            if remaining < 0:
                raise HTTPException(413, "The body is too large.")
            return message

        await self.app(scope, receive_counted, send)
