"""An outside tool whose side effect must not happen twice: a till that counts its charges."""

import asyncio
from collections import Counter

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

NAME = "till"
TAKES_SECONDS = 0.3  # after the charge, so that the caller can die before it gets the result


class Till:
    """Charges by key."""

    def __init__(self) -> None:
        self.charges: Counter[str] = Counter()

    async def charge(self, key: str) -> str:
        """Charge a customer."""
        self.charges[key] += 1
        await asyncio.sleep(TAKES_SECONDS)
        return f"charged {key}"

    def server(self) -> MCPServer:
        """The MCP server that offers the till."""
        server = MCPServer("Till", log_level="ERROR")
        server.add_tool(self.charge, title="Charge", annotations=ToolAnnotations(read_only_hint=False))
        return server
