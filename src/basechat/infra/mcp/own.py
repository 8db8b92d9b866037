"""mcp-server as our own services see it: whom they ask for, and what it offers, asked in the background."""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from basechat.infra.mcp.connections import McpConnections
from basechat.infra.mcp.errors import McpError
from basechat.infra.mcp.server import McpServer
from basechat.infra.mcp.tools import ToolSpec
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

log = logging.getLogger(__name__)

AUDIENCE = "mcp-server"
FRESH_SECONDS = 60.0
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 3.0  # of who asks before mcp-server has answered for the first time
_NOBODY = Caller(owner_id=UUID(int=0), run_id=None, attempt=0)


class OwnServer:
    """Our own tools as mcp-server told them last; while it is away the last list serves."""

    def __init__(self, connections: McpConnections, secret: bytes) -> None:
        self._connections = connections
        self._secret = secret
        self._specs: Sequence[ToolSpec] = ()
        self._known = asyncio.Event()

    def asked_for(self, caller: Caller, *, seconds: int) -> McpServer:
        """Return the server as it is asked on somebody's behalf, for so long."""
        signed = sign_caller(caller, key=self._secret, audience=AUDIENCE, ttl_seconds=seconds)
        return self._connections.own({INTERNAL_HEADER: signed})

    async def specs(self) -> Sequence[ToolSpec]:
        """Return the tools, which are the same for everybody; none where mcp-server has never answered."""
        if not self._known.is_set():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._known.wait()
            except TimeoutError:
                log.warning("our own tools are not known yet")
        return self._specs

    async def run(self) -> None:
        """Ask for ever what is offered."""
        while True:
            try:
                self._specs = await self.asked_for(_NOBODY, seconds=60).list_tools()
                self._known.set()
            except McpError as error:
                # At a start it is only not there yet.
                level = logging.WARNING if self._known.is_set() else logging.INFO
                log.log(level, "mcp-server does not tell its tools: %s", error.detail)
            await asyncio.sleep(FRESH_SECONDS if self._known.is_set() else RETRY_SECONDS)
