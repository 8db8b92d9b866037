"""The address and the credentials of an outside server, and the tools that it lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from basechat.infra.encryption import encryptor_for
from basechat.infra.mcp.client import McpClient
from basechat.infra.mcp.connections import McpConnections
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.tools import ToolSpec
from basechat.kit import json

Transport = Literal["http", "stdio"]

_PURPOSE = "credentials of MCP servers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL with headers, or a command. `headers` are None if they can't be decrypted."""

    transport: Transport
    url: str | None = None
    command: str | None = None
    headers: Mapping[str, str] | None = field(default_factory=dict, repr=False)

    def connect(self, mcp: McpConnections) -> McpClient:
        """A client of the server; raises `McpError` if the server must not be called."""
        if self.transport == "stdio":
            return mcp.program(self.command or "")
        if self.headers is None:
            detail = "The credentials of this server can't be decrypted any more. Enter them again."
            raise McpError(McpErrorCode.CREDENTIALS, detail)
        return mcp.outside(self.url or "", self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolListing:
    """The tools of a server, or the error of the attempt to list them."""

    tools: list[ToolSpec] | None
    error: McpError | None = None


async def list_tools(mcp: McpConnections, endpoint: Endpoint) -> ToolListing:
    try:
        return ToolListing(tools=await endpoint.connect(mcp).list_tools())
    except McpError as error:
        return ToolListing(tools=None, error=error)


def encrypt_headers(headers: Mapping[str, str], *, secret: bytes, owner_id: UUID, server_id: UUID) -> bytes | None:
    # Headers, encrypted for the row of one server. None for no headers.
    if not headers:
        return None
    plain = json.dumps(dict(headers))
    return encryptor_for(_PURPOSE, secret).encrypt(plain, associated_data=f"{owner_id}:{server_id}")


def decrypt_headers(
    encrypted: bytes | None, *, secret: bytes, owner_id: UUID, server_id: UUID
) -> dict[str, str] | None:
    # None if decryption fails: SECRET_KEY has changed, or the row was changed by hand.
    if encrypted is None:
        return {}
    plain = encryptor_for(_PURPOSE, secret).decrypt(encrypted, associated_data=f"{owner_id}:{server_id}")
    return None if plain is None else json.loads(plain)
