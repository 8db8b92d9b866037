"""A program that is a server, from its start to the end of all that it started."""

import asyncio
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL, PIPE, SubprocessStreamProtocol
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast

from basechat.infra.mcp.errors import McpError, Trouble

# Nothing of ours: no setting, no secret. A command that needs more is written as `env NAME=value program`.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The pipes of a running program."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader


class _Protocol(SubprocessStreamProtocol):
    """Tells when the program has ended, whatever its children hold open."""

    def __init__(self, limit: int) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(limit=limit, loop=loop)
        self.ended = loop.create_future()

    def process_exited(self) -> None:
        self.ended.set_result(None)
        super().process_exited()


@asynccontextmanager
async def started(command: str, *, line_limit: int) -> AsyncIterator[Program]:
    """Run a program; no line of what it writes may be longer than the limit.

    After good work it may end by itself, as MCP asks for, if it does so in a moment; then what is left of it and of
    its group is killed.
    """
    transport, protocol = await _start(command, line_limit)
    try:
        stdin, stdout = cast(asyncio.StreamWriter, protocol.stdin), cast(asyncio.StreamReader, protocol.stdout)
        yield Program(stdin=stdin, stdout=stdout)
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
        raise McpError(Trouble.COMMAND, "This command can't be started.") from error
