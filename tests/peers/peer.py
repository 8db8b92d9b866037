"""A peer that serves, and what it was asked."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.peers.tools import build_tools
from tests.support.stack import serving
from tests.support.websites import HERE


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its method, what it asks for, and the connection that it came by."""

    http: str
    method: str
    connection: int


@dataclass(slots=True)
class Peer:
    """A server and its requests, in the order in which they came."""

    url: str
    requests: list[Request] = field(default_factory=list)

    def methods(self) -> list[str]:
        """What was asked for."""
        return [request.method or request.http for request in self.requests]


@asynccontextmanager
async def running_peer(server: MCPServer | None = None, *, is_old: bool = False) -> AsyncIterator[Peer]:
    """Serve a peer; an old one knows sessions and no discovery."""
    app = (server or build_tools()).streamable_http_app(
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False)
    )
    with socket.create_server((HERE, 0)) as listener:
        peer = Peer(f"http://{HERE}:{listener.getsockname()[1]}/mcp")
        async with serving(_Door(app, peer, is_old=is_old), listener):
            yield peer


class _Door:
    """Notes what is asked; an old server does not know what came later."""

    def __init__(self, app: ASGIApp, peer: Peer, *, is_old: bool) -> None:
        self.app = app
        self.peer = peer
        self.is_old = is_old

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = HttpRequest(scope)
        method = request.headers.get("mcp-method", "")
        self.peer.requests.append(Request(request.method, method, scope["client"][1]))
        if self.is_old and method:
            error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "No valid session."}}
            await JSONResponse(error, status_code=400)(scope, receive, send)
            return
        await self.app(scope, receive, send)
