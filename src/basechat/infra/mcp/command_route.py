"""The way to a server that is a program on this machine, started for one exchange and gone with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.client import ConnectMode
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from basechat.infra.mcp.bounds import Bounds
from basechat.infra.mcp.errors import McpError, Trouble
from basechat.infra.mcp.exchange import GiveUp, Streams
from basechat.infra.mcp.modes import Modes
from basechat.infra.mcp.program import started
from basechat.infra.mcp.volume import Volume
from basechat.kit.tasks import cancel_and_wait


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRoute:
    """A command that the administrator allows."""

    command: str
    modes: Modes

    @property
    def mode(self) -> ConnectMode:
        """How to agree on the protocol."""
        return self.modes.of(self.command)

    def learned(self, version: str | None) -> None:
        """Take note of what the server speaks."""
        self.modes.learned(self.command, version)

    @asynccontextmanager
    async def transport(self, bounds: Bounds, give_up: GiveUp) -> AsyncIterator[Streams]:
        """Start the program, and end it with all that it started.

        The SDK's own transport reads a line of any length, and leaves children alone whose parent ends in time.
        """
        heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception]()
        outgoing, told = anyio.create_memory_object_stream[SessionMessage]()
        with heard, incoming, outgoing, told:
            async with started(self.command, line_limit=bounds.answer_bytes) as program:
                tasks = (
                    asyncio.create_task(_hear(program.stdout, heard, bounds, give_up)),
                    asyncio.create_task(_tell(program.stdin, told, give_up)),
                )
                try:
                    yield incoming, outgoing
                finally:
                    await cancel_and_wait(*tasks)


async def _hear(
    stdout: asyncio.StreamReader,
    heard: MemoryObjectSendStream[SessionMessage | Exception],
    bounds: Bounds,
    give_up: GiveUp,
) -> None:
    """Hand on what the program writes: a message a line; lines that are none are passed over."""
    volume = Volume(bounds)
    try:
        while line := await stdout.readline():
            volume.take(line)
            await asyncio.sleep(0)  # reading what has come already gives nobody else a turn
            if line.startswith(b"{"):
                with suppress(ValidationError):
                    await heard.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
    except McpError as error:
        give_up(error)
    except ValueError:
        give_up(McpError(Trouble.TOO_LARGE, f"The server answered more than {bounds.answer_bytes:,} bytes.", sent=True))
    else:
        give_up(McpError(Trouble.FAILED, "The program ended before it had answered.", sent=True))


async def _tell(stdin: asyncio.StreamWriter, told: MemoryObjectReceiveStream[SessionMessage], give_up: GiveUp) -> None:
    try:
        async for message in told:
            stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await stdin.drain()
    except ConnectionError:
        give_up(McpError(Trouble.FAILED, "The program ended before it was asked.", sent=True))
