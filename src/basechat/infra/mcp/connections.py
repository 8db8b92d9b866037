"""The MCP clients of one process: of our own server, of people's servers, and of programs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from mcp_types.version import LATEST_MODERN_VERSION

from basechat.infra.http import Address
from basechat.infra.mcp.client import McpClient, ProtocolVersions
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.limits import DEFAULT_LIMITS, McpLimits
from basechat.infra.mcp.program import ProgramTarget
from basechat.infra.mcp.tools import ToolSpec
from basechat.infra.mcp.transport import HttpTarget
from basechat.infra.network.addresses import EVERYWHERE, NetworkPolicy
from basechat.infra.network.web import Resolver, WebClient, web_client
from basechat.kit.config import Settings
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

log = logging.getLogger(__name__)

AUDIENCE = "mcp-server"
LIST_SECONDS = 60.0
RETRY_SECONDS = 1.0
FIRST_LIST_SECONDS = 3.0
_KEEP_ALIVE_SECONDS = 30.0
_SYSTEM = Caller(owner_id=UUID(int=0), run_id=None, attempt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpConnections:
    """Creates clients. The administrator sets the URL of our own server; people's URLs pass the network policy."""

    own_url: str
    own_http: WebClient
    own_versions: ProtocolVersions
    outside_http: WebClient
    outside_versions: ProtocolVersions
    policy: NetworkPolicy
    commands: tuple[str, ...]
    command_versions: ProtocolVersions

    def own(self, headers: Mapping[str, str], *, limits: McpLimits = DEFAULT_LIMITS) -> McpClient:
        target = HttpTarget(
            http=self.own_http, policy=None, versions=self.own_versions, name=self.own_url, headers=headers
        )
        return McpClient(target=target, limits=limits)

    def outside(self, url: str, headers: Mapping[str, str], *, limits: McpLimits = DEFAULT_LIMITS) -> McpClient:
        # Client of a person's server, with the headers that its owner has set.
        target = HttpTarget(
            http=self.outside_http, policy=self.policy, versions=self.outside_versions, name=url, headers=headers
        )
        return McpClient(target=target, limits=limits)

    def program(self, command: str, *, limits: McpLimits = DEFAULT_LIMITS) -> McpClient:
        """Client of a program; raises `McpError` unless the administrator allows the command."""
        if command not in self.commands:
            raise McpError(McpErrorCode.COMMAND, "The administrator does not allow this command.")
        return McpClient(target=ProgramTarget(name=command, versions=self.command_versions), limits=limits)


@asynccontextmanager
async def open_connections(
    settings: Settings, *, policy: NetworkPolicy | None = None, resolver: Resolver | None = None
) -> AsyncIterator[McpConnections]:
    """Open the HTTP clients of one process, which connect with the first call. Tests set `policy` and `resolver`."""
    address = Address.parse(settings.mcp_server_url)
    own_url = f"{address.base_url}/"
    policy = policy or NetworkPolicy(ports=None, allowed=EVERYWHERE if settings.mcp_allow_private else ())
    outside = web_client(
        headers={"accept-encoding": "identity"}, policy=policy, resolver=resolver, keep_seconds=_KEEP_ALIVE_SECONDS
    )
    async with address.client() as own, outside:
        yield McpConnections(
            own_url=own_url,
            own_http=own,
            own_versions=ProtocolVersions({own_url: LATEST_MODERN_VERSION}),
            outside_http=outside,
            outside_versions=ProtocolVersions(),
            policy=policy,
            commands=settings.stdio_commands,
            command_versions=ProtocolVersions(),
        )


class OwnServer:
    """mcp-server: its tools, listed in the background. While it is unreachable the last list stays."""

    def __init__(self, connections: McpConnections, secret: bytes) -> None:
        self._connections = connections
        self._secret = secret
        self._specs: Sequence[ToolSpec] = ()
        self._is_listed = asyncio.Event()

    def client_for(self, caller: Caller, *, seconds: int) -> McpClient:
        signed = sign_caller(caller, key=self._secret, audience=AUDIENCE, ttl_seconds=seconds)
        return self._connections.own({INTERNAL_HEADER: signed})

    async def tools(self) -> Sequence[ToolSpec]:
        """The tools, which are the same for all accounts; empty before the first list."""
        if not self._is_listed.is_set():
            try:
                async with asyncio.timeout(FIRST_LIST_SECONDS):
                    await self._is_listed.wait()
            except TimeoutError:
                log.warning("our own tools are not known yet")
        return self._specs

    async def run(self) -> None:
        while True:
            try:
                self._specs = await self.client_for(_SYSTEM, seconds=60).list_tools()
                self._is_listed.set()
            except McpError as error:
                # At the start mcp-server may not run yet.
                level = logging.WARNING if self._is_listed.is_set() else logging.INFO
                log.log(level, "mcp-server does not list its tools: %s", error.detail)
            await asyncio.sleep(LIST_SECONDS if self._is_listed.is_set() else RETRY_SECONDS)
