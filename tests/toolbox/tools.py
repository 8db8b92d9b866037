"""MCP clients of the tools for one person, in memory or over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp_types import TextContent

from basechat.toolbox.access import ToolCaller, calling
from basechat.toolbox.web.fetch_page import FetchPage
from tests.support.person import Person
from tests.support.stack import Stack

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Tools:
    """Calls tools and separates results from errors."""

    client: Client

    async def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that succeeds; returns the structured result."""
        result = await self.client.call_tool(name, arguments)
        assert not result.is_error, result.content
        found: dict[str, Any] = result.structured_content
        return found

    async def refused(self, name: str, /, **arguments: Any) -> str:
        """Call a tool that fails; returns the text of its error."""
        result = await self.client.call_tool(name, arguments)
        assert result.is_error, result.structured_content
        (block,) = result.content
        assert isinstance(block, TextContent)
        # Only a crash says no more than this.
        assert block.text != f"Error executing tool {name}"
        return block.text


@asynccontextmanager
async def in_memory(
    server: MCPServer, owner_id: UUID | str = NOBODY, run_id: UUID | None = None
) -> AsyncIterator[Tools]:
    """Connect client and server in memory, for a caller that `ToolAccess` would have found."""
    with calling(ToolCaller(owner_id=UUID(str(owner_id)), run_id=run_id)):
        async with Client(server) as client:
            yield Tools(client)


@asynccontextmanager
async def over_http(
    stack: Stack, person: Person, *, mode: str = "auto", headers: dict[str, str] | None = None
) -> AsyncIterator[Tools]:
    """Connect to mcp-server as an outside client."""
    headers = headers or {"authorization": f"Bearer {person.token}"}
    transport = httpx2.AsyncHTTPTransport(uds=stack.socket("mcp-server"))
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client("http://localhost/", http_client=http), mode=mode) as client,
    ):
        yield Tools(client)


def server_of(pages: FetchPage) -> MCPServer:
    """An MCP server that has only this tool."""
    server = MCPServer("test")
    server.add_tool(pages.fetch_page)
    return server
