"""The client lists and calls tools of any MCP server, and says what became of it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from mcp.server.mcpserver import MCPServer

from basechat import __version__
from basechat.infra.mcp.connections import McpConnections, open_connections
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.limits import McpLimits
from basechat.infra.mcp.tools import ToolSpec
from basechat.kit import json
from basechat.kit.config import Settings
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller
from tests.peers import Peer, running_peer
from tests.support.person import Person
from tests.support.stack import SECRET, Stack
from tests.support.waiting import until
from tests.support.websites import OPEN_HERE


@pytest.fixture
async def mcp() -> AsyncIterator[McpConnections]:
    """Ways to servers, open to this machine."""
    settings = Settings(_env_file=None, secret_key=SECRET)
    async with open_connections(settings, policy=OPEN_HERE) as connections:
        yield connections


@pytest.fixture(params=[False, True], ids=["new", "old"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    """Somebody's server, of today and of before."""
    async with running_peer(is_old=request.param) as running:
        yield running


async def test_tools_are_listed_with_their_hints(mcp: McpConnections, peer: Peer) -> None:
    tools = {tool.name: tool for tool in await mcp.outside(peer.url, {}).list_tools()}
    assert (tools["add"].title, tools["add"].description) == ("The tool add", "Add two numbers.")
    assert tools["add"].input_schema["required"] == ["a", "b"]
    hints = {name: (tool.read_only, tool.idempotent, tool.repeatable) for name, tool in tools.items()}
    assert hints["add"] == (True, True, True)
    assert hints["clock"] == (True, True, False)
    assert hints["put"] == (False, True, False)
    assert hints["write"] == (False, False, False)
    assert all(ToolSpec.from_json(json.loads(json.dumps(tool.to_json()))) == tool for tool in tools.values())


@pytest.mark.parametrize(
    ("name", "arguments", "ok", "text"),
    [
        ("add", {"a": 1, "b": 2}, True, "3"),
        ("write", {"text": "한국어"}, True, "wrote 한국어"),
        ("fail", {}, False, "Error executing tool fail: there is no more paper"),
        ("crash", {}, False, "Error executing tool crash"),
        ("bare", {}, True, '{"degrees":21}'),
        ("nothing", {}, True, "The tool returned nothing."),
        (
            "mixed",
            {},
            True,
            "First.\n[image image/png, 3 bytes]\n[resource a report: https://example.org/a.pdf]\n"
            "[resource file:///notes.txt]\na note\nLast\N{REPLACEMENT CHARACTER}.",
        ),
    ],
)
async def test_results_of_calls(
    mcp: McpConnections, peer: Peer, name: str, arguments: dict[str, object], ok: bool, text: str
) -> None:
    outcome = await mcp.outside(peer.url, {}).call(name, arguments, call_id="call-1")
    assert (outcome.ok, outcome.text) == (ok, text)


async def test_an_unknown_tool_is_a_failed_result(mcp: McpConnections, peer: Peer) -> None:
    outcome = await mcp.outside(peer.url, {}).call("no such", {}, call_id="call-1")
    assert (outcome.ok, "no such" in outcome.text) == (False, True)
    outcome = await mcp.outside(peer.url, {}).call("add", {"a": "x"}, call_id="call-1")
    assert not outcome.ok


async def test_a_long_answer_is_cut_and_says_so(mcp: McpConnections, peer: Peer) -> None:
    outcome = await mcp.outside(peer.url, {}).call("long", {"length": 100_000}, call_id="call-1")
    assert outcome.ok
    assert outcome.text.startswith("가" * 60_000 + "\n[Cut here: the answer has 100,000 characters")
    assert len(outcome.text) < 60_200


async def test_headers_and_the_name_of_the_call_reach_the_server(mcp: McpConnections, peer: Peer) -> None:
    outcome = await mcp.outside(peer.url, {"Authorization": "Bearer key"}).call("who", {}, call_id="call-7")
    said = json.loads(outcome.text)
    assert said == {"authorization": "Bearer key", "agent": f"BaseChat/{__version__}", "meta": "call-7"}


async def test_connections_and_protocol_versions_are_reused(mcp: McpConnections) -> None:
    async with running_peer() as peer:
        for key in ("one", "two", "three"):
            outcome = await mcp.outside(peer.url, {"authorization": key}).call("who", {}, call_id=key)
            assert json.loads(outcome.text)["authorization"] == key
        assert peer.methods() == ["server/discover", "tools/call", "tools/call", "tools/call"]
        assert len({request.connection for request in peer.requests}) == 1


async def test_an_old_server_is_known_as_one_the_second_time(mcp: McpConnections) -> None:
    async with running_peer(is_old=True) as peer:
        for _ in range(2):
            assert (await mcp.outside(peer.url, {}).call("add", {"a": 1, "b": 2}, call_id="x")).ok
        methods = peer.methods()
    assert methods.count("server/discover") == 1
    assert methods.count("DELETE") == 2


async def test_a_server_that_wants_arguments_in_headers_gets_them(mcp: McpConnections) -> None:
    async with running_peer() as peer:
        outcome = await mcp.outside(peer.url, {}).call("regional", {"region": "ap-seoul-1"}, call_id="x")
        assert (outcome.ok, outcome.text) == (True, "from ap-seoul-1")
        assert "tools/list" in peer.methods()


async def test_a_slow_tool_times_out(mcp: McpConnections, peer: Peer) -> None:
    server = mcp.outside(peer.url, {}, limits=McpLimits(call_seconds=1.5))
    assert (await server.call("add", {"a": 1, "b": 2}, call_id="x")).ok
    with pytest.raises(McpError) as caught:
        await server.call("wait", {"seconds": 30}, call_id="x")
    assert (caught.value.code, caught.value.sent) == (McpErrorCode.TIMEOUT, True)
    assert (await server.call("add", {"a": 1, "b": 2}, call_id="x")).ok


async def test_a_cancelled_call_ends_at_once(mcp: McpConnections, peer: Peer) -> None:
    await mcp.outside(peer.url, {}).list_tools()
    seen = len(peer.requests)
    task = asyncio.create_task(mcp.outside(peer.url, {}).call("wait", {"seconds": 30}, call_id="x"))

    async def is_asked() -> bool:
        return len(peer.requests) > seen

    await until(is_asked)
    task.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_many_calls_at_once_get_each_their_own_answer(mcp: McpConnections, peer: Peer) -> None:
    server = mcp.outside(peer.url, {})
    calls = (server.call("add", {"a": number, "b": 0}, call_id=str(number)) for number in range(30))
    assert [outcome.text for outcome in await asyncio.gather(*calls)] == [str(number) for number in range(30)]


async def test_our_own_server_is_asked_in_one_round_trip(stack: Stack, person: Person) -> None:
    caller = Caller(owner_id=UUID(person.user["id"]), run_id=None, attempt=1)
    header = sign_caller(caller, key=SECRET.encode(), audience="mcp-server")
    async with open_connections(stack.resources.settings) as ours:
        server = ours.own({INTERNAL_HEADER: header})
        tools = {tool.name: tool for tool in await server.list_tools()}
        assert tools["calculate"].repeatable
        assert (tools["remember"].read_only, tools["remember"].idempotent) == (False, True)
        outcome = await server.call("calculate", {"expression": "6 * 7"}, call_id="x")
        assert json.loads(outcome.text)["result"] == "42"
        with pytest.raises(McpError) as caught:
            await ours.own({INTERNAL_HEADER: "forged"}).call("calculate", {"expression": "1"}, call_id="x")
    assert (caught.value.code, caught.value.sent) == (McpErrorCode.REFUSED, False)


async def test_names_that_can_not_be_used_are_left_out(mcp: McpConnections) -> None:
    server = MCPServer("odd")
    for name in ("fine", "x" * 200, "new\nline", "fine too"):
        server.add_tool(lambda: "x", name=name)
    server.add_tool(lambda: "x", name="wordy", description="d" * 10_000, title="t" * 500)
    async with running_peer(server) as peer:
        tools = await mcp.outside(peer.url, {}).list_tools()
    assert [tool.name for tool in tools] == ["fine", "fine too", "wordy"]
    assert (len(tools[-1].description), len(tools[-1].title)) == (4_000, 200)


async def test_a_thousand_tools_are_two_hundred(mcp: McpConnections) -> None:
    server = MCPServer("many")
    for number in range(1_000):
        server.add_tool(lambda: "x", name=f"tool-{number}")
    async with running_peer(server) as peer:
        tools = await mcp.outside(peer.url, {}).list_tools()
    assert [tool.name for tool in tools] == [f"tool-{number}" for number in range(200)]


async def test_descriptions_without_end_are_not_taken(mcp: McpConnections) -> None:
    server = MCPServer("wordy")
    for number in range(150):
        server.add_tool(lambda: "x", name=f"tool-{number}", description="d" * 5_000)
    async with running_peer(server) as peer:
        tools = await mcp.outside(peer.url, {}).list_tools()
    assert 60 < len(tools) < 80
