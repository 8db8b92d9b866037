"""Servers that are programs on this machine: each session starts the program and ends all that it started."""

import asyncio
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL, PIPE, SubprocessStreamProtocol
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from basechat.infra.mcp.client import Abort, ProtocolVersions
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.limits import McpLimits, ResponseLimiter, too_large
from basechat.kit.tasks import cancel_and_wait

# No setting and no secret of ours. A command that needs more is written as `env NAME=value program`.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTarget:
    """A command that the administrator allows."""

    name: str
    versions: ProtocolVersions

    @asynccontextmanager
    async def connect(self, limits: McpLimits, abort: Abort) -> AsyncIterator[Any]:
        """Start the program, and end it with all that it started.

        The SDK's own transport reads lines of any length, and does not end the children of a program that ends in time.
        """
        received, incoming = anyio.create_memory_object_stream[SessionMessage | Exception]()
        outgoing, to_send = anyio.create_memory_object_stream[SessionMessage]()
        with received, incoming, outgoing, to_send:
            async with _running(self.name, line_limit=limits.answer_bytes) as (stdin, stdout):
                tasks = (
                    asyncio.create_task(_receive(stdout, received, limits, abort)),
                    asyncio.create_task(_send(stdin, to_send, abort)),
                )
                try:
                    yield incoming, outgoing
                finally:
                    await cancel_and_wait(*tasks)


async def _receive(
    stdout: asyncio.StreamReader,
    received: MemoryObjectSendStream[SessionMessage | Exception],
    limits: McpLimits,
    abort: Abort,
) -> None:
    """Pass on the program's messages, one a line. Other lines are skipped."""
    limiter = ResponseLimiter(limits)
    try:
        while line := await stdout.readline():
            limiter.count(line)
            await asyncio.sleep(0)  # reading buffered lines does not yield to the event loop
            if line.startswith(b"{"):
                with suppress(ValidationError):
                    await received.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
    except McpError as error:
        abort(error)
    except ValueError:
        abort(too_large(f"{limits.answer_bytes:,} bytes"))
    else:
        abort(McpError(McpErrorCode.FAILED, "The program ended before its answer.", sent=True))


async def _send(stdin: asyncio.StreamWriter, to_send: MemoryObjectReceiveStream[SessionMessage], abort: Abort) -> None:
    try:
        async for message in to_send:
            stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await stdin.drain()
    except ConnectionError:
        abort(McpError(McpErrorCode.FAILED, "The program ended before the call.", sent=True))


class _Protocol(SubprocessStreamProtocol):
    """Reports the end of the program even while its children hold the pipes open."""

    def __init__(self, limit: int) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(limit=limit, loop=loop)
        self.ended = loop.create_future()

    def process_exited(self) -> None:
        self.ended.set_result(None)
        super().process_exited()


@asynccontextmanager
async def _running(
    command: str, *, line_limit: int
) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    """Run a program, and yield its pipes. A line of its output may not be longer than the limit.

    After a session without error the program may end by itself within a moment, as MCP requires. Then it is killed
    together with its process group.
    """
    transport, protocol = await _start(command, line_limit)
    try:
        stdin = cast(asyncio.StreamWriter, protocol.stdin)
        yield stdin, cast(asyncio.StreamReader, protocol.stdout)
        stdin.close()
        await asyncio.wait([protocol.ended], timeout=_GRACE_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        try:
            await asyncio.wait([protocol.ended], timeout=_GRACE_SECONDS)
        finally:
            transport.close()


async def _start(command: str, line_limit: int) -> tuple[asyncio.SubprocessTransport, _Protocol]:
    try:
        return await asyncio.get_running_loop().subprocess_exec(
            lambda: _Protocol(line_limit),
            *shlex.split(command),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise McpError(McpErrorCode.COMMAND, "This command can't be started.") from error
