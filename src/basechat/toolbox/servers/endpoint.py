"""Where an outside server is, and what it offers when it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from basechat.infra.mcp.client import McpClient
from basechat.infra.mcp.connections import McpConnections
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.tools import ToolSpec

Transport = Literal["http", "stdio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL or a command, as `transport` says; `headers` are None where they can't be read any more."""

    transport: Transport
    url: str | None = None
    command: str | None = None
    headers: Mapping[str, str] | None = field(default_factory=dict, repr=False)

    def connect(self, mcp: McpConnections) -> McpClient:
        """Return the server; raises `McpError` for one that is not to be asked."""
        if self.transport == "stdio":
            return mcp.program(self.command or "")
        if self.headers is None:
            raise McpError(
                McpErrorCode.CREDENTIALS, "The credentials of this server can't be read any more; enter them anew."
            )
        return mcp.outside(self.url or "", self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a server offers, or why it is not known."""

    tools: list[ToolSpec] | None
    trouble: McpError | None = None

    @property
    def error(self) -> str | None:
        """What went wrong, for people."""
        return self.trouble.detail if self.trouble else None


async def find_tools(mcp: McpConnections, endpoint: Endpoint) -> Findings:
    """Ask a server what it offers."""
    try:
        return Findings(tools=await endpoint.connect(mcp).list_tools())
    except McpError as error:
        return Findings(tools=None, trouble=error)
