"""The registry of tools: which tools are on for a run, under which names the model calls them, and their servers."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from basechat.chat.runs.answer import RUN_SECONDS, RunRequest
from basechat.infra.mcp.client import McpClient
from basechat.infra.mcp.connections import OwnServer
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.tools import SEPARATOR, ToolSpec, function_names
from basechat.kit import json
from basechat.protocol import OWN_NAME, Caller

LISTING_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServer:
    """A server and its tools. `identity` is empty for our own server; at another address it is another server."""

    name: str
    identity: str
    specs: Sequence[ToolSpec]
    connect: Callable[[], McpClient]
    """Raises `McpError` for a server that must not be called."""


class OutsideServers(Protocol):
    """Loads the servers that a person added."""

    async def __call__(self, owner_id: UUID, names: Collection[str]) -> Sequence[ToolServer]:
        """The enabled servers with these names, and the tools of their last listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableTool:
    """A tool under the name by which the model calls it."""

    name: str
    server: ToolServer
    spec: ToolSpec

    @property
    def is_own(self) -> bool:
        return not self.server.identity

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def description(self) -> str:
        return self.spec.description

    @property
    def approval_key(self) -> str | None:
        """Identifies the tool and its description for "always in this chat". None if it needs no approval."""
        if self.spec.read_only:
            return None
        described = json.dumps([self.server.identity, self.spec.to_json()])
        return hashlib.sha256(described).hexdigest()

    @property
    def definition(self) -> dict[str, Any]:
        """The tool in the form of OpenAI's API."""
        function = {"name": self.name, "description": self.description, "parameters": self.spec.input_schema}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableTools:
    """The tools that are on, and per server without tools the reason."""

    tools: list[AvailableTool]
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRegistry:
    """The tools of our own server and of the servers that people added."""

    own: OwnServer
    outside: OutsideServers

    async def find(self, run: RunRequest) -> AvailableTools:
        """The tools that are on for a run, in a stable order. Our own tools are the default."""
        selection = [OWN_NAME] if run.tools is None else run.tools
        if not selection:
            return AvailableTools(tools=[], failed={})
        servers, failed = [await self._own_server(run)], dict[str, str]()
        if names := {name.partition(SEPARATOR)[0] for name in selection} - {OWN_NAME}:
            outside = await self.outside(run.owner_id, names)
            await asyncio.gather(*(_add(server, servers, failed) for server in outside))
        tools = [tool for tool in _named(servers) if tool.server.name in selection or tool.name in selection]
        return AvailableTools(tools=tools, failed=failed)

    async def _own_server(self, run: RunRequest) -> ToolServer:
        caller = Caller(owner_id=run.owner_id, run_id=run.run_id, attempt=run.attempt)
        connect = partial(self.own.client_for, caller, seconds=RUN_SECONDS)
        return ToolServer(name=OWN_NAME, identity="", specs=await self.own.tools(), connect=connect)


async def _add(server: ToolServer, servers: list[ToolServer], failed: dict[str, str]) -> None:
    """Add a server. One that was never listed is listed now, within a short time."""
    try:
        if not server.specs:
            async with asyncio.timeout(LISTING_SECONDS):
                server = replace(server, specs=await server.connect().list_tools())
        servers.append(server)
    except McpError as error:
        failed[server.name] = f"{error.code}: {error.detail}"
    except TimeoutError:
        failed[server.name] = f"{McpErrorCode.TIMEOUT}: the server did not list its tools in {LISTING_SECONDS:g} s."


def _named(servers: Sequence[ToolServer]) -> list[AvailableTool]:
    """The tools of all servers under unique names, our own first."""
    named: list[AvailableTool] = []
    for server in sorted(servers, key=lambda each: (each.identity != "", each.name)):
        plain = [spec.name for spec in server.specs]
        names = function_names(server.name, plain, ()) if server.identity else {name: name for name in plain}
        named += [AvailableTool(name=names[spec.name], server=server, spec=spec) for spec in server.specs]
    return named
