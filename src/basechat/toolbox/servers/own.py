"""BaseChat's own tools, as main-backend tells of them: asked of mcp-server, and known for a minute."""

import logging
import time
from uuid import UUID

from basechat.infra.mcp.connections import McpConnections
from basechat.infra.mcp.errors import McpError
from basechat.infra.mcp.tools import ToolSpec
from basechat.kit.errors import UnavailableError
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller
from basechat.toolbox.access import AUDIENCE

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0


class OwnTools:
    """The list of one process. It is the same for everybody."""

    def __init__(self, mcp: McpConnections, secret: bytes) -> None:
        self._mcp = mcp
        self._secret = secret
        self._tools: list[ToolSpec] = []
        self._fresh_until = float("-inf")

    async def list(self, owner_id: UUID) -> list[ToolSpec]:
        """Return the tools; an older list where mcp-server is away. Raises `UnavailableError` where there is none."""
        if time.monotonic() < self._fresh_until:
            return self._tools
        caller = Caller(owner_id=owner_id, run_id=None, attempt=0)
        header = sign_caller(caller, key=self._secret, audience=AUDIENCE)
        try:
            self._tools = await self._mcp.own({INTERNAL_HEADER: header}).list_tools()
        except McpError as error:
            log.warning("mcp-server can't be asked for its tools: %s", error)
            if not self._tools:
                raise UnavailableError("BaseChat's tools can't be listed now. Try again.", code="tools.away") from error
            return self._tools
        self._fresh_until = time.monotonic() + FRESH_SECONDS
        return self._tools
