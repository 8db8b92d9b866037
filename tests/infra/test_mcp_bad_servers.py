"""Whatever answers in place of an MCP server: the client soon says what is wrong, and takes no more than its bounds."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from basechat.infra.mcp.bounds import Bounds
from basechat.infra.mcp.connections import McpConnections, open_connections
from basechat.infra.mcp.errors import McpError, Trouble
from basechat.infra.network.addresses import NetworkPolicy
from basechat.kit import json
from basechat.kit.config import Settings
from tests.peers import running_peer
from tests.support.addresses import PRIVATE, THIS_MACHINE
from tests.support.stack import SECRET
from tests.support.websites import HERE, OPEN_HERE, Handler, Names, page, redirect, site

IMPATIENT = Bounds(call_seconds=0.5, list_seconds=0.5)
JSON = "application/json"
EVENTS = "text/event-stream"


@asynccontextmanager
async def connections(
    policy: NetworkPolicy | None = OPEN_HERE, resolver: AbstractResolver | None = None, *, private: bool = False
) -> AsyncIterator[McpConnections]:
    """Open ways to servers."""
    settings = Settings(_env_file=None, secret_key=SECRET, mcp_allow_private=private)  # type: ignore[call-arg]
    async with open_connections(settings, policy=policy, resolver=resolver) as mcp:
        yield mcp


async def _trouble(mcp: McpConnections, url: str, bounds: Bounds = IMPATIENT) -> McpError:
    """List and call in vain; both must fail alike. Returns what is said of the call."""
    server = mcp.outside(url, {"authorization": "Bearer key"}, bounds=bounds)
    with pytest.raises(McpError) as listed:
        await server.list_tools()
    with pytest.raises(McpError) as called:
        await server.call("add", {"a": 1, "b": 2}, call_id="x")
    assert (listed.value.code, listed.value.detail) == (called.value.code, called.value.detail)
    assert 0 < len(called.value.detail) < 1_000
    return called.value


async def _streamed(request: web.BaseRequest, kind: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": kind})
    await response.prepare(request)
    return response


def endless(kind: str, part: bytes, seconds: float = 0.0) -> Handler:
    """Return a handler that never ends to answer."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await _streamed(request, kind)
        while True:
            await response.write(part)
            await asyncio.sleep(seconds)

    return answer


def status(code: int, body: str = "no") -> Handler:
    """Return a handler that answers with a status."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=code, text=body)

    return answer


async def silence(_: web.BaseRequest) -> web.StreamResponse:
    """Answer never."""
    await asyncio.Event().wait()
    raise AssertionError


async def cut(request: web.BaseRequest) -> web.StreamResponse:
    """Break off in the middle."""
    response = await _streamed(request, JSON)
    await response.write(b'{"jsonrpc":')
    assert request.transport
    request.transport.abort()
    return response


async def empty_events(request: web.BaseRequest) -> web.StreamResponse:
    """End an event stream that told nothing."""
    return await _streamed(request, EVENTS)


async def closes(request: web.BaseRequest) -> web.StreamResponse:
    """Hang up."""
    assert request.transport
    request.transport.abort()
    return web.Response()


def result(value: object) -> Handler:
    """Return a handler that answers every request with this result."""

    async def answer(request: web.BaseRequest) -> web.Response:
        asked = json.loads(await request.read())
        said = {"jsonrpc": "2.0", "id": asked.get("id"), "result": value}
        return web.Response(body=json.dumps(said), content_type=JSON)

    return answer


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        pytest.param(page("<h1>Welcome"), Trouble.NONSENSE, id="HTML"),
        pytest.param(page("hello", "text/plain"), Trouble.NONSENSE, id="text"),
        pytest.param(page("{}", "application/octet-stream"), Trouble.NONSENSE, id="wrong type"),
        pytest.param(page("", ""), Trouble.NONSENSE, id="no type"),
        pytest.param(page("", JSON), Trouble.NONSENSE, id="nothing"),
        pytest.param(page("{nonsense", JSON), Trouble.NONSENSE, id="no JSON"),
        pytest.param(page("[" * 10_000, JSON), Trouble.NONSENSE, id="deep"),
        pytest.param(page(b"\xff\xfe", JSON), Trouble.NONSENSE, id="no text"),
        pytest.param(page("[]", JSON), Trouble.NONSENSE, id="no message"),
        pytest.param(page('{"jsonrpc":"2.0","id":77,"result":{}}', JSON), Trouble.TIMEOUT, id="another id"),
        pytest.param(page(b"\x1f\x8b", JSON, content_encoding="gzip"), Trouble.NONSENSE, id="packed"),
        pytest.param(page("data: {nonsense\n\n", EVENTS), Trouble.NONSENSE, id="no JSON in events"),
        pytest.param(result({}), Trouble.NONSENSE, id="empty results"),
        pytest.param(result({"tools": 7, "content": 7, "protocolVersion": []}), Trouble.NONSENSE, id="wrong results"),
        pytest.param(status(401), Trouble.REFUSED, id="401"),
        pytest.param(status(403), Trouble.REFUSED, id="403"),
        pytest.param(status(404), Trouble.FAILED, id="404"),
        pytest.param(status(500), Trouble.FAILED, id="500"),
        pytest.param(status(202), Trouble.FAILED, id="202"),
        pytest.param(status(500, "x" * 1_000_000), Trouble.FAILED, id="500 with much to say"),
        pytest.param(silence, Trouble.TIMEOUT, id="silence"),
        pytest.param(endless(EVENTS, b": ping\n\n", 0.01), Trouble.TIMEOUT, id="events without end"),
        pytest.param(endless(EVENTS, b"data:\nid: 7\nretry: 1\n\n", 0.01), Trouble.TIMEOUT, id="ids without end"),
        pytest.param(endless(JSON, b" ", 0.01), Trouble.TIMEOUT, id="drops"),
        pytest.param(endless(JSON, b" " * 65_536), Trouble.TOO_LARGE, id="JSON without end"),
        pytest.param(endless(EVENTS, b"data: " + b"x" * 65_536), Trouble.TOO_LARGE, id="one event without end"),
        pytest.param(endless(EVENTS, b": " + b"x" * 65_536 + b"\n\n"), Trouble.TOO_LARGE, id="comments without end"),
        pytest.param(endless(JSON, b"[0," * 20_000), Trouble.TOO_LARGE, id="values without end"),
        pytest.param(endless(EVENTS, b'data: "\ndata: ' + b"{}," * 20_000), Trouble.TOO_LARGE, id="values in events"),
        pytest.param(page("[" + "0," * 2_000_000 + "0]", JSON), Trouble.TOO_LARGE, id="zeros"),
        pytest.param(cut, Trouble.FAILED, id="cut"),
        pytest.param(empty_events, Trouble.FAILED, id="no event"),
        pytest.param(closes, Trouble.FAILED, id="hangs up"),
    ],
)
async def test_what_is_no_server(handler: Handler, code: Trouble) -> None:
    async with site(handler) as here, connections() as mcp:
        error = await _trouble(mcp, here.url("/mcp"))
    assert (error.code, error.sent) == (code, False)


async def test_a_server_that_is_down() -> None:
    async with site(page()) as here:
        url = here.url("/mcp")
    async with connections() as mcp:
        error = await _trouble(mcp, url)
        assert (error.code, error.sent) == (Trouble.UNREACHABLE, False)
        error = await _trouble(mcp, "http://nowhere.invalid/mcp")
        assert (error.code, error.detail) == (Trouble.UNREACHABLE, "There is no server of this name.")


async def test_a_connection_that_does_not_come_about() -> None:
    """TLS that is never spoken: the time to connect ends it."""
    async with site(silence) as here, connections() as mcp:
        error = await _trouble(mcp, f"https://{HERE}:{here.port}/", Bounds(connect_seconds=0.2))
    assert (error.code, error.sent) == (Trouble.UNREACHABLE, False)


async def test_a_hundred_megabytes_are_not_taken() -> None:
    sent = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = await _streamed(request, JSON)
        for _ in range(1_600):
            await response.write(b" " * 65_536)
            sent += 65_536
        return response

    async with site(answer) as here, connections() as mcp:
        tracemalloc.start()
        error = await _trouble(mcp, here.url("/mcp"), Bounds())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert error.code == Trouble.TOO_LARGE
    assert sent < 40_000_000  # what the sockets took as well
    assert peak < 30_000_000


async def test_a_call_that_breaks_off_may_have_reached_the_server() -> None:
    async with running_peer() as peer, connections() as mcp:
        await mcp.outside(peer.url, {}).list_tools()
        too_little = Bounds(answer_bytes=50_000)
        with pytest.raises(McpError) as caught:
            await mcp.outside(peer.url, {}, bounds=too_little).call("long", {"length": 50_000}, call_id="x")
    assert (caught.value.code, caught.value.sent) == (Trouble.TOO_LARGE, True)


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


async def test_trouble_while_a_session_is_ended_changes_no_answer() -> None:
    def unless_deleted(app: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> Handler:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await (silence if request.method == "DELETE" else app)(request)

        return answer

    async def talk(request: web.BaseRequest) -> web.StreamResponse:
        asked = json.loads(await request.read())
        results = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "serverInfo": {"name": "", "version": ""},
            },
            "tools/call": {"content": [{"type": "text", "text": "done"}]},
        }
        if asked["method"] not in results:
            return web.Response(status=400 if "id" in asked else 202)
        said = {"jsonrpc": "2.0", "id": asked["id"], "result": results[asked["method"]]}
        return web.Response(body=json.dumps(said), content_type=JSON, headers={"mcp-session-id": "1"})

    async with site(unless_deleted(talk)) as here, connections() as mcp:
        outcome = await mcp.outside(here.url(), {}, bounds=IMPATIENT).call("x", {}, call_id="x")
        assert [request.method for request in here.requests][-1] == "DELETE"
    assert (outcome.ok, outcome.text) == (True, "done")


@pytest.mark.parametrize("address", PRIVATE)
async def test_names_that_lead_inside_are_refused(address: str) -> None:
    names = Names([address])
    async with connections(None, names) as mcp:
        error = await _trouble(mcp, "https://innocent.example.org:8443/mcp")
    assert (error.code, error.sent) == (Trouble.ADDRESS, False)
    assert names.asked == 2


@pytest.mark.parametrize("host", THIS_MACHINE)
async def test_no_spelling_of_this_machine_is_reached(host: str) -> None:
    async with site(page("secret")) as here, connections(None) as mcp:
        error = await _trouble(mcp, here.url("/", host))
    assert here.requests == []
    assert (error.code in {Trouble.ADDRESS, Trouble.UNREACHABLE}, error.sent) == (True, False)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "unix:/run/x.sock", "http://user:pw@127.0.0.1/", "http://", "x"])
async def test_addresses_of_another_kind_are_refused(url: str) -> None:
    async with connections() as mcp:
        assert (await _trouble(mcp, url)).code == Trouble.ADDRESS


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["http://127.0.0.2:{port}/", "//127.0.0.2:{port}/", "http://169.254.169.254/latest"])
async def test_redirects_lead_nowhere_else(code: int, target: str) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await redirect(target.format(port=request.url.port), code)(request)

    async with site(answer) as outside, connections() as mcp:
        error = await _trouble(mcp, outside.url("/mcp"))
        assert {request.path for request in outside.requests} == {"/mcp"}
    assert error.code == Trouble.FAILED
    assert "not followed" in error.detail


async def test_a_name_that_turns_private_is_refused_at_the_next_connection() -> None:
    names = Names([HERE], ["10.0.0.1"])

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await redirect("/again", 307)(request)
        response.force_close()
        return response

    async with site(answer) as outside, connections(OPEN_HERE, names) as mcp:
        error = await _trouble(mcp, outside.url("/mcp", "rebind.example.org"))
        assert len(outside.requests) == 1
    assert error.code == Trouble.ADDRESS


async def test_servers_inside_are_reached_where_the_administrator_says_so() -> None:
    async with running_peer() as peer:
        async with connections(None) as mcp:
            assert (await _trouble(mcp, peer.url)).code == Trouble.ADDRESS
        async with connections(None, private=True) as mcp:
            assert (await mcp.outside(peer.url, {}).call("add", {"a": 1, "b": 2}, call_id="x")).ok
