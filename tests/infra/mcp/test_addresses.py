"""The client connects to no server inside the network, by any name or redirect, unless that is allowed."""

import pytest
from aiohttp import web

from basechat.infra.mcp.errors import McpErrorCode
from tests.peers import running_peer
from tests.peers.strangers import connections, trouble_of
from tests.support.addresses import PRIVATE, THIS_MACHINE
from tests.support.websites import HERE, OPEN_HERE, Names, page, redirect, site


@pytest.mark.parametrize("address", PRIVATE)
async def test_names_that_lead_inside_are_refused(address: str) -> None:
    names = Names([address])
    async with connections(None, names) as mcp:
        error = await trouble_of(mcp, "https://innocent.example.org:8443/mcp")
    assert (error.code, error.sent) == (McpErrorCode.ADDRESS, False)
    assert names.asked == 2


@pytest.mark.parametrize("host", THIS_MACHINE)
async def test_no_spelling_of_this_machine_is_reached(host: str) -> None:
    async with site(page("secret")) as here, connections(None) as mcp:
        error = await trouble_of(mcp, here.url("/", host))
    assert here.requests == []
    assert (error.code in {McpErrorCode.ADDRESS, McpErrorCode.UNREACHABLE}, error.sent) == (True, False)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "unix:/run/x.sock", "http://user:pw@127.0.0.1/", "http://", "x"])
async def test_addresses_of_another_kind_are_refused(url: str) -> None:
    async with connections() as mcp:
        assert (await trouble_of(mcp, url)).code == McpErrorCode.ADDRESS


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["http://127.0.0.2:{port}/", "//127.0.0.2:{port}/", "http://169.254.169.254/latest"])
async def test_redirects_lead_nowhere_else(code: int, target: str) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await redirect(target.format(port=request.url.port), code)(request)

    async with site(answer) as outside, connections() as mcp:
        error = await trouble_of(mcp, outside.url("/mcp"))
        assert {request.path for request in outside.requests} == {"/mcp"}
    assert error.code == McpErrorCode.FAILED
    assert "not followed" in error.detail


async def test_a_name_that_turns_private_is_refused_at_the_next_connection() -> None:
    names = Names([HERE], ["10.0.0.1"])

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = await redirect("/again", 307)(request)
        response.force_close()
        return response

    async with site(answer) as outside, connections(OPEN_HERE, names) as mcp:
        error = await trouble_of(mcp, outside.url("/mcp", "rebind.example.org"))
        assert len(outside.requests) == 1
    assert error.code == McpErrorCode.ADDRESS


async def test_servers_inside_are_reached_where_the_administrator_says_so() -> None:
    async with running_peer() as peer:
        async with connections(None) as mcp:
            assert (await trouble_of(mcp, peer.url)).code == McpErrorCode.ADDRESS
        async with connections(None, private=True) as mcp:
            assert (await mcp.outside(peer.url, {}).call("add", {"a": 1, "b": 2}, call_id="x")).ok
