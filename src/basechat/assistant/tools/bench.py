"""The workbench of a worker: finds the tools of a question, and is what they are called with."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

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
from basechat.assistant.tools.own import OwnTools
from basechat.chat.runs.answer import RUN_SECONDS, Question
from basechat.chat.runs.tools.call import Ledger
from basechat.infra.cache.store import Cache
from basechat.infra.mcp.connections import McpConnections
from basechat.infra.mcp.errors import McpError, Trouble
from basechat.infra.mcp.server import McpServer
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

AUDIENCE = "mcp-server"
ASKED_SECONDS = 5.0
NOBODY = Caller(owner_id=UUID(int=0), run_id=None, attempt=0)
"""Who asks for what there is, which is the same for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The tools that are on, and why servers that are on offer none, by name."""

    tools: list[OfferedTool]
    silent: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """What all questions of a worker share."""

    connections: McpConnections
    own: OwnTools
    outside: OutsideServers
    ledger: Ledger
    cache: Cache
    secret: bytes

    async def find(self, question: Question) -> Found:
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
            silent[server.name] = f"{Trouble.TIMEOUT}: the server did not tell its tools within {ASKED_SECONDS:g} s."

    async def _own(self, question: Question) -> ToolServer:
        caller = Caller(owner_id=question.owner_id, run_id=question.run_id, attempt=question.attempt)
        specs = await self.own.specs()
        return ToolServer(name=OWN, identity="", specs=specs, connect=lambda: self.own_server(caller))

    def own_server(self, caller: Caller = NOBODY) -> McpServer:
        """Return mcp-server, asked on somebody's behalf."""
        signed = sign_caller(caller, key=self.secret, audience=AUDIENCE, ttl_seconds=RUN_SECONDS)
        return self.connections.own({INTERNAL_HEADER: signed})
