"""What mcp-server offers: asked for in the background, so that no message waits for it."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from basechat.infra.mcp.errors import McpError
from basechat.infra.mcp.server import McpServer
from basechat.infra.mcp.tools import ToolSpec

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 3.0  # of a message that comes before mcp-server has been asked for the first time


class OwnTools:
    """The list of our own tools as it was last told; while mcp-server is away the last one serves."""

    def __init__(self) -> None:
        self._specs: Sequence[ToolSpec] = ()
        self._known = asyncio.Event()

    async def run(self, own_server: Callable[[], McpServer]) -> None:
        """Ask for ever."""
        while True:
            try:
                self._specs = await own_server().list_tools()
                self._known.set()
                pause = FRESH_SECONDS
            except McpError as error:
                log.warning("mcp-server does not tell its tools: %s", error.detail)
                pause = FRESH_SECONDS if self._known.is_set() else RETRY_SECONDS
            await asyncio.sleep(pause)

    async def specs(self) -> Sequence[ToolSpec]:
        """Return the tools; none where mcp-server has never answered."""
        if not self._known.is_set():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._known.wait()
            except TimeoutError:
                log.warning("a message is answered without our own tools, which nobody has told yet")
        return self._specs
