"""One exchange with a server: the SDK's client on a route of ours, ended in time or at the first failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from httpx2 import InvalidURL
from mcp import Client
from mcp.client.client import ConnectMode
from mcp.client.session import ClientSession
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import PARSE_ERROR, Implementation
from pydantic import ValidationError

from basechat import __version__
from basechat.infra.mcp.bounds import Bounds
from basechat.infra.mcp.errors import McpError, Trouble
from basechat.kit.text import storable

log = logging.getLogger(__name__)

GiveUp = Callable[[McpError], None]
Streams = tuple[ReadStream[SessionMessage | Exception], WriteStream[SessionMessage]]
Result = TypeVar("Result")

_BASECHAT = Implementation(name="BaseChat", version=__version__)
_MESSAGE_LENGTH = 500
_WRONG_TYPE = "Unexpected content type"  # as the SDK's transport says it


class Route(Protocol):
    """A way to one server."""

    @property
    def mode(self) -> ConnectMode:
        """How to agree on the protocol: `auto` where nothing is known of the server."""

    def learned(self, version: str | None) -> None:
        """Take note of the version that the server speaks; None where an exchange failed."""

    def transport(self, bounds: Bounds, give_up: GiveUp) -> AbstractAsyncContextManager[Streams]:
        """Open what carries the messages of one exchange. What it tells `give_up` ends the exchange."""


async def converse(
    route: Route, use: Callable[[ClientSession], Awaitable[Result]], *, bounds: Bounds, seconds: float
) -> Result:
    """Connect, use the session once, and close; raises `McpError`, and nothing else that a server can cause."""
    cancellations = _cancellations()
    results: list[Result] = []
    failures: list[McpError] = []
    try:
        async with asyncio.timeout(seconds) as deadline:

            def give_up(error: McpError) -> None:
                failures.append(error)
                if not deadline.expired():
                    deadline.reschedule(0)

            transport = route.transport(bounds, give_up)
            async with Client(transport, mode=route.mode, client_info=_BASECHAT, cache=None) as client:
                route.learned(client.protocol_version)
                results.append(await use(client.session))
    except Exception as error:  # the SDK's own faults too: what a server makes it do is no reason to end a run
        if not failures:  # else its cause is known, and the SDK tells of what followed from it
            failures.append(_explain(error, seconds))
    # The SDK's task groups may tell of their own failure in place of a cancellation that came at the same time.
    if _cancellations() > cancellations:
        raise asyncio.CancelledError
    if not results:  # else it went wrong after the answer had come
        route.learned(None)
        raise failures[0]
    return results[0]


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _explain(error: Exception, seconds: float) -> McpError:
    """Tell what the SDK raised; task groups wrap it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, McpError):
        return error
    if isinstance(error, InvalidURL):
        return McpError(Trouble.ADDRESS, "This is no address of a server.")
    if isinstance(error, TimeoutError):
        return McpError(Trouble.TIMEOUT, f"The server did not answer within {seconds:g} seconds.", sent=True)
    if isinstance(error, MCPError) and error.message.startswith(_WRONG_TYPE):
        return McpError(Trouble.NONSENSE, "What answers at this address is no MCP server.", sent=True)
    if isinstance(error, ValidationError) or (isinstance(error, MCPError) and error.code == PARSE_ERROR):
        return McpError(Trouble.NONSENSE, "The server does not answer as MCP asks for.", sent=True)
    if isinstance(error, MCPError):
        return McpError(Trouble.FAILED, f"The server answered with an error: {message_of(error)}", sent=True)
    log.warning("an MCP server made the client fail", exc_info=error)
    return McpError(Trouble.FAILED, "The server does not answer as this client expects.", sent=True)


def message_of(error: MCPError) -> str:
    """Return what a server says went wrong, not at any length."""
    return storable(error.message)[:_MESSAGE_LENGTH]
