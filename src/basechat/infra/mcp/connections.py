"""The ways out of one process to MCP servers: opened once, their connections kept between calls."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver
from mcp_types.version import LATEST_MODERN_VERSION

from basechat.infra.http import Address
from basechat.infra.mcp.bounds import USUAL, Bounds
from basechat.infra.mcp.command_route import CommandRoute
from basechat.infra.mcp.errors import McpError, Trouble
from basechat.infra.mcp.http_route import HttpRoute, Web
from basechat.infra.mcp.modes import Modes
from basechat.infra.mcp.server import McpServer
from basechat.infra.network.addresses import EVERYWHERE, NetworkPolicy
from basechat.kit.config import Settings

KEEP_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class McpConnections:
    """Makes servers. Ours is where the administrator says; others are where a person says, so a policy decides."""

    own_url: str
    own_web: Web
    outside_web: Web
    commands: tuple[str, ...]
    command_modes: Modes

    def own(self, headers: Mapping[str, str], *, bounds: Bounds = USUAL) -> McpServer:
        """Return mcp-server, for the caller whom the internal header names."""
        return McpServer(route=HttpRoute(web=self.own_web, url=self.own_url, headers=headers), bounds=bounds)

    def outside(self, url: str, headers: Mapping[str, str], *, bounds: Bounds = USUAL) -> McpServer:
        """Return somebody's server, with what its owner lets us say to it."""
        return McpServer(route=HttpRoute(web=self.outside_web, url=url, headers=headers), bounds=bounds)

    def program(self, command: str, *, bounds: Bounds = USUAL) -> McpServer:
        """Return a server that a command starts; raises `McpError` unless the administrator allows that command."""
        if command not in self.commands:
            raise McpError(Trouble.COMMAND, "The administrator does not allow this command.")
        return McpServer(route=CommandRoute(command=command, modes=self.command_modes), bounds=bounds)


@asynccontextmanager
async def open_connections(
    settings: Settings, *, policy: NetworkPolicy | None = None, resolver: AbstractResolver | None = None
) -> AsyncIterator[McpConnections]:
    """Open the ways of one process; nothing is connected yet. Policy and resolver are parameters for tests alone."""
    address = Address.parse(settings.mcp_server_url)
    own_url = f"{address.base_url}/"
    policy = policy or NetworkPolicy(ports=None, allowed=EVERYWHERE if settings.mcp_allow_private else ())
    outside = aiohttp.ClientSession(
        connector=policy.connector(resolver, keep_seconds=KEEP_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"accept-encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )
    async with address.client() as own, outside:
        yield McpConnections(
            own_url=own_url,
            own_web=Web(http=own, policy=None, modes=Modes({own_url: LATEST_MODERN_VERSION})),
            outside_web=Web(http=outside, policy=policy, modes=Modes()),
            commands=settings.stdio_commands,
            command_modes=Modes(),
        )
