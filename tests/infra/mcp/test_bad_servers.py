"""Servers that are not MCP servers: the client soon raises the right error, and reads no more than its limits."""

import asyncio
import tracemalloc

import pytest
from aiohttp import web

from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.limits import McpLimits
from basechat.kit import json
from tests.peers import running_peer
from tests.peers.strangers import (
    EVENTS,
    JSON,
    closes,
    connections,
    cut,
    empty_events,
    endless,
    result,
    silence,
    status,
    streamed,
    trouble_of,
)
from tests.support.websites import HERE, Handler, page, site


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        pytest.param(page("<h1>Welcome"), McpErrorCode.NONSENSE, id="HTML"),
        pytest.param(page("hello", "text/plain"), McpErrorCode.NONSENSE, id="text"),
        pytest.param(page("{}", "application/octet-stream"), McpErrorCode.NONSENSE, id="wrong type"),
        pytest.param(page("", ""), McpErrorCode.NONSENSE, id="no type"),
        pytest.param(page("", JSON), McpErrorCode.NONSENSE, id="nothing"),
        pytest.param(page("{nonsense", JSON), McpErrorCode.NONSENSE, id="no JSON"),
        pytest.param(page("[" * 10_000, JSON), McpErrorCode.NONSENSE, id="deep"),
        pytest.param(page(b"\xff\xfe", JSON), McpErrorCode.NONSENSE, id="no text"),
        pytest.param(page("[]", JSON), McpErrorCode.NONSENSE, id="no message"),
        pytest.param(page('{"jsonrpc":"2.0","id":77,"result":{}}', JSON), McpErrorCode.TIMEOUT, id="another id"),
        pytest.param(page(b"\x1f\x8b", JSON, content_encoding="gzip"), McpErrorCode.NONSENSE, id="packed"),
        pytest.param(page("data: {nonsense\n\n", EVENTS), McpErrorCode.NONSENSE, id="no JSON in events"),
        pytest.param(result({}), McpErrorCode.NONSENSE, id="empty results"),
        pytest.param(
            result({"tools": 7, "content": 7, "protocolVersion": []}), McpErrorCode.NONSENSE, id="bad results"
        ),
        pytest.param(status(401), McpErrorCode.REFUSED, id="401"),
        pytest.param(status(403), McpErrorCode.REFUSED, id="403"),
        pytest.param(status(404), McpErrorCode.FAILED, id="404"),
        pytest.param(status(500), McpErrorCode.FAILED, id="500"),
        pytest.param(status(202), McpErrorCode.FAILED, id="202"),
        pytest.param(status(500, "x" * 1_000_000), McpErrorCode.FAILED, id="500 with much to say"),
        pytest.param(silence, McpErrorCode.TIMEOUT, id="silence"),
        pytest.param(endless(EVENTS, b": ping\n\n", 0.01), McpErrorCode.TIMEOUT, id="events without end"),
        pytest.param(endless(EVENTS, b"data:\nid: 7\nretry: 1\n\n", 0.01), McpErrorCode.TIMEOUT, id="ids without end"),
        pytest.param(endless(JSON, b" ", 0.01), McpErrorCode.TIMEOUT, id="drops"),
        pytest.param(endless(JSON, b" " * 65_536), McpErrorCode.TOO_LARGE, id="JSON without end"),
        pytest.param(endless(EVENTS, b"data: " + b"x" * 65_536), McpErrorCode.TOO_LARGE, id="one event without end"),
        pytest.param(endless(EVENTS, b": " + b"x" * 65_536 + b"\n\n"), McpErrorCode.TOO_LARGE, id="endless comments"),
        pytest.param(endless(JSON, b"[0," * 20_000), McpErrorCode.TOO_LARGE, id="values without end"),
        pytest.param(endless(EVENTS, b'data: "\ndata: ' + b"{}," * 20_000), McpErrorCode.TOO_LARGE, id="values"),
        pytest.param(page("[" + "0," * 2_000_000 + "0]", JSON), McpErrorCode.TOO_LARGE, id="zeros"),
        pytest.param(cut, McpErrorCode.FAILED, id="cut"),
        pytest.param(empty_events, McpErrorCode.FAILED, id="no event"),
        pytest.param(closes, McpErrorCode.FAILED, id="hangs up"),
    ],
)
async def test_servers_that_do_not_speak_mcp(handler: Handler, code: McpErrorCode) -> None:
    async with site(handler) as here, connections() as mcp:
        error = await trouble_of(mcp, here.url("/mcp"))
    assert (error.code, error.sent) == (code, False)


async def test_a_server_that_is_down() -> None:
    async with site(page()) as here:
        url = here.url("/mcp")
    async with connections() as mcp:
        error = await trouble_of(mcp, url)
        assert (error.code, error.sent) == (McpErrorCode.UNREACHABLE, False)
        error = await trouble_of(mcp, "http://nowhere.invalid/mcp")
        assert (error.code, error.detail) == (McpErrorCode.UNREACHABLE, "There is no server with this name.")


async def test_a_connection_that_does_not_come_about() -> None:
    """TLS that is never spoken: the time to connect ends it."""
    async with site(silence) as here, connections() as mcp:
        error = await trouble_of(mcp, f"https://{HERE}:{here.port}/", McpLimits(connect_seconds=0.2))
    assert (error.code, error.sent) == (McpErrorCode.UNREACHABLE, False)


async def test_a_hundred_megabytes_are_not_taken() -> None:
    sent = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = await streamed(request, JSON)
        for _ in range(1_600):
            await response.write(b" " * 65_536)
            sent += 65_536
        return response

    async with site(answer) as here, connections() as mcp:
        tracemalloc.start()
        error = await trouble_of(mcp, here.url("/mcp"), McpLimits())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert error.code == McpErrorCode.TOO_LARGE
    assert sent < 40_000_000  # what the sockets took as well
    assert peak < 30_000_000


async def test_a_call_that_breaks_off_may_have_reached_the_server() -> None:
    async with running_peer() as peer, connections() as mcp:
        await mcp.outside(peer.url, {}).list_tools()
        too_little = McpLimits(answer_bytes=50_000)
        with pytest.raises(McpError) as caught:
            await mcp.outside(peer.url, {}, limits=too_little).call("long", {"length": 50_000}, call_id="x")
    assert (caught.value.code, caught.value.sent) == (McpErrorCode.TOO_LARGE, True)


async def test_a_cancelled_call_closes_its_connection() -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        try:
            return await silence(_)
        finally:
            closed.set()

    async with site(answer) as here, connections() as mcp:
        task = asyncio.create_task(mcp.outside(here.url(), {}).call("add", {}, call_id="x"))
        async with asyncio.timeout(5):
            await asked.wait()
            task.cancel()
            await closed.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("aside", [silence, closes, status(401), status(403), status(500), page("<h1>no"), cut])
async def test_failures_of_other_requests_do_not_affect_the_call(method: str, aside: Handler) -> None:
    """An old server that has no stream to follow, does not end sessions, and says something to notifications."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "POST":
            return await (aside if request.method == method else status(405))(request)
        asked = json.loads(await request.read())
        us = {"name": "old", "version": "1"}
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": us},
            "tools/call": {"content": [{"type": "text", "text": "done"}]},
        }
        if asked["method"] not in results:
            return web.Response(status=400) if "id" in asked else web.Response(text="thanks")
        said = {"jsonrpc": "2.0", "id": asked["id"], "result": results[asked["method"]]}
        return web.Response(body=json.dumps(said), content_type=JSON, headers={"mcp-session-id": "1"})

    async with site(answer) as here, connections() as mcp:
        outcome = await mcp.outside(here.url(), {}, limits=McpLimits(call_seconds=2)).call("x", {}, call_id="x")
    assert (outcome.ok, outcome.text) == (True, "done")
