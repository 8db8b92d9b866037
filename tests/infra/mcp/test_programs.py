"""MCP servers that are programs: commands that the administrator allows, without our environment, and gone after."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from basechat.infra.mcp.connections import McpConnections, open_connections
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.limits import McpLimits
from basechat.kit import json
from basechat.kit.config import Settings
from tests.support.stack import SECRET
from tests.support.waiting import until

PEER = f"env PYTHONPATH={Path(__file__).parents[3]} {sys.executable} -m tests.peers.program"
IMPATIENT = McpLimits(call_seconds=0.5, list_seconds=0.5)


@asynccontextmanager
async def allowing(*commands: str) -> AsyncIterator[McpConnections]:
    """Open ways to servers with these commands allowed."""
    settings = Settings(_env_file=None, secret_key=SECRET, mcp_stdio_commands="; ".join(commands))
    async with open_connections(settings) as mcp:
        yield mcp


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _children() -> set[int]:
    """Running children. The test stack's PostgreSQL starts and ends processes at any time, so they do not count."""
    children = psutil.process_iter(["pid", "name"])
    own = {child.pid for child in psutil.Process().children(recursive=True)}
    return {each.pid for each in children if each.pid in own and each.info["name"] != "postgres" and _runs(each.pid)}


async def test_tools_of_a_program_are_listed_and_called() -> None:
    before = _children()
    async with allowing(PEER) as mcp:
        server = mcp.program(PEER)
        assert {"add", "write"} <= {tool.name for tool in await server.list_tools()}
        assert (await server.call("add", {"a": 1, "b": 2}, call_id="x")).text == "3"
        assert (await server.call("chatter", {}, call_id="x")).text == "done"
        said = json.loads((await server.call("who", {}, call_id="call-7")).text)
        assert said["meta"] == "call-7"
    assert _children() <= before


async def test_a_program_gets_nothing_of_our_environment() -> None:
    async with allowing(PEER) as mcp:
        said = json.loads((await mcp.program(PEER).call("environment", {}, call_id="x")).text)
    assert said.keys() - {"LC_CTYPE"} == {"PATH", "LANG", "PYTHONPATH"}


async def test_children_of_a_program_go_with_it() -> None:
    async with allowing(PEER) as mcp:
        outcome = await mcp.program(PEER).call("spawn", {}, call_id="x")
        assert outcome.ok
        pid = int(outcome.text)

        async def is_gone() -> bool:
            return not _runs(pid)

        await until(is_gone)


async def test_a_cancelled_call_ends_the_program_and_its_children() -> None:
    before = _children()
    async with allowing(PEER) as mcp:
        task = asyncio.create_task(mcp.program(PEER).call("sleep", {}, call_id="x"))

        async def sleeps() -> bool:
            return any("sleep" in psutil.Process(pid).name() for pid in _children() - before)

        async def is_gone() -> bool:
            return not _children() - before

        await until(sleeps)
        task.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await task
        await until(is_gone)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("/bin/sleep 300", McpErrorCode.TIMEOUT),
        ("/bin/true", McpErrorCode.FAILED),
        ("/bin/cat /dev/zero", McpErrorCode.TOO_LARGE),
        ("/usr/bin/yes nonsense", McpErrorCode.TIMEOUT),
        ("/bin/cat", McpErrorCode.FAILED),
        ("/bin/no-such-program", McpErrorCode.COMMAND),
        ("/etc/passwd", McpErrorCode.COMMAND),
        ("'", McpErrorCode.COMMAND),
    ],
)
async def test_servers_that_do_not_speak_mcp(command: str, code: McpErrorCode) -> None:
    before = _children()
    async with allowing(command) as mcp:
        server = mcp.program(command, limits=IMPATIENT)
        with pytest.raises(McpError) as listed:
            await server.list_tools()
        with pytest.raises(McpError) as called:
            await server.call("add", {"a": 1, "b": 2}, call_id="x")
    assert (listed.value.code, called.value.code, called.value.sent) == (code, code, False)
    assert _children() <= before


@pytest.mark.parametrize("command", ["/bin/sh", "/bin/cat ", "", "/bin/cat; /bin/sh"])
async def test_no_other_command_is_run(command: str) -> None:
    async with allowing("/bin/cat", "/bin/true") as mcp:
        with pytest.raises(McpError) as caught:
            mcp.program(command)
    assert (caught.value.code, caught.value.sent) == (McpErrorCode.COMMAND, False)
    async with allowing() as mcp:
        with pytest.raises(McpError):
            mcp.program("/bin/cat")
