"""Servers that are not MCP servers, and the client's errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from basechat.infra.mcp.connections import McpConnections, open_connections
from basechat.infra.mcp.errors import McpError
from basechat.infra.mcp.limits import McpLimits
from basechat.infra.network.addresses import NetworkPolicy
from basechat.kit import json
from basechat.kit.config import Settings
from tests.support.stack import SECRET
from tests.support.websites import OPEN_HERE, Handler

IMPATIENT = McpLimits(call_seconds=0.5, list_seconds=0.5)
JSON = "application/json"
EVENTS = "text/event-stream"


@asynccontextmanager
async def connections(
    policy: NetworkPolicy | None = OPEN_HERE, resolver: AbstractResolver | None = None, *, private: bool = False
) -> AsyncIterator[McpConnections]:
    """Open ways to servers."""
    settings = Settings(_env_file=None, secret_key=SECRET, mcp_allow_private=private)
    async with open_connections(settings, policy=policy, resolver=resolver) as mcp:
        yield mcp


async def trouble_of(mcp: McpConnections, url: str, limits: McpLimits = IMPATIENT) -> McpError:
    """List and call; both must fail alike. Returns the error of the call."""
    server = mcp.outside(url, {"authorization": "Bearer key"}, limits=limits)
    with pytest.raises(McpError) as listed:
        await server.list_tools()
    with pytest.raises(McpError) as called:
        await server.call("add", {"a": 1, "b": 2}, call_id="x")
    assert (listed.value.code, listed.value.detail) == (called.value.code, called.value.detail)
    assert 0 < len(called.value.detail) < 1_000
    return called.value


async def streamed(request: web.BaseRequest, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": kind})
    await response.prepare(request)
    return response


def endless(kind: str, part: bytes, seconds: float = 0.0) -> Handler:
    """A handler that never ends to answer."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await streamed(request, kind)
        while True:
            await response.write(part)
            await asyncio.sleep(seconds)

    return answer


def status(code: int, body: str = "no") -> Handler:
    """A handler that answers with a status."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=code, text=body)

    return answer


async def silence(_: web.BaseRequest) -> web.StreamResponse:
    """Answer never."""
    await asyncio.Event().wait()
    raise AssertionError


async def cut(request: web.BaseRequest) -> web.StreamResponse:
    """Break off in the middle."""
    response = await streamed(request, JSON)
    await response.write(b'{"jsonrpc":')
    assert request.transport
    request.transport.abort()
    return response


async def empty_events(request: web.BaseRequest) -> web.StreamResponse:
    """End an event stream without an event."""
    return await streamed(request, EVENTS)


async def closes(request: web.BaseRequest) -> web.StreamResponse:
    """Hang up."""
    assert request.transport
    request.transport.abort()
    return web.Response()


def result(value: object) -> Handler:
    """A handler that answers every request with this result."""

    async def answer(request: web.BaseRequest) -> web.Response:
        asked = json.loads(await request.read())
        said = {"jsonrpc": "2.0", "id": asked.get("id"), "result": value}
        return web.Response(body=json.dumps(said), content_type=JSON)

    return answer
