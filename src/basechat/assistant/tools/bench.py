"""The workbench of a worker: finds the tools of a question, and is what they are called with."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from basechat.assistant.tools.offer import (
    OWN,
    USUAL,
    OfferedTool,
    OutsideServers,
    ToolServer,
    name_tools,
    select,
    server_names,
)
from basechat.chat.runs.answer import RUN_SECONDS, RunRequest
from basechat.chat.runs.tools.ledger import ToolLedger
from basechat.infra.cache.store import Cache
from basechat.infra.mcp.connections import OwnServer
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.protocol import Caller

ASKED_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The tools that are on, and why servers that are on offer none, by name."""

    tools: list[OfferedTool]
    silent: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """What all questions of a worker share."""

    own: OwnServer
    outside: OutsideServers
    ledger: ToolLedger
    cache: Cache

    async def find(self, question: RunRequest) -> Found:
        """Return the tools that are on for a question, in an order that stays the same."""
        selection = USUAL if question.tools is None else question.tools
        if not selection:
            return Found(tools=[], silent={})
        servers, silent = [await self._own(question)], dict[str, str]()
        if names := server_names(selection):
            outside = await self.outside(question.owner_id, names)
            await asyncio.gather(*(self._add(server, servers, silent) for server in outside))
        return Found(tools=list(select(name_tools(servers), selection)), silent=silent)

    async def _add(self, server: ToolServer, servers: list[ToolServer], silent: dict[str, str]) -> None:
        """Add a server; one that has never told its tools is asked now, for a short time."""
        try:
            if not server.specs:
                async with asyncio.timeout(ASKED_SECONDS):
                    server = replace(server, specs=await server.connect().list_tools())
            servers.append(server)
        except McpError as error:
            silent[server.name] = f"{error.code}: {error.detail}"
        except TimeoutError:
            silent[server.name] = f"{McpErrorCode.TIMEOUT}: the server did not list its tools in {ASKED_SECONDS:g} s."

    async def _own(self, question: RunRequest) -> ToolServer:
        caller = Caller(owner_id=question.owner_id, run_id=question.run_id, attempt=question.attempt)
        specs = await self.own.tools()
        connect = partial(self.own.client_for, caller, seconds=RUN_SECONDS)
        return ToolServer(name=OWN, identity="", specs=specs, connect=connect)
