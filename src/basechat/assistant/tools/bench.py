"""The workbench of a worker: finds the tools of a question, and is what they are called with."""

from dataclasses import dataclass
from uuid import UUID

from basechat.assistant.tools.offer import (
    OWN,
    USUAL,
    OfferedTool,
    OutsideServers,
    ToolServer,
    name_tools,
    needs_outside,
    select,
)
from basechat.assistant.tools.own import OwnTools
from basechat.chat.runs.answer import RUN_SECONDS, Question
from basechat.chat.runs.tools.call import Ledger
from basechat.infra.cache.store import Cache
from basechat.infra.mcp.connections import McpConnections
from basechat.infra.mcp.server import McpServer
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

AUDIENCE = "mcp-server"
NOBODY = Caller(owner_id=UUID(int=0), run_id=None, attempt=0)
"""Who asks for what there is, which is the same for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """What all questions of a worker share."""

    connections: McpConnections
    own: OwnTools
    outside: OutsideServers
    ledger: Ledger
    cache: Cache
    secret: bytes

    async def tools(self, question: Question) -> list[OfferedTool]:
        """Return the tools that are on for a question, in an order that stays the same."""
        selection = USUAL if question.tools is None else question.tools
        if not selection:
            return []
        servers: list[ToolServer] = [await self._own(question)]
        if needs_outside(selection):
            servers += await self.outside(question.owner_id)
        return list(select(name_tools(servers), selection))

    async def _own(self, question: Question) -> ToolServer:
        caller = Caller(owner_id=question.owner_id, run_id=question.run_id, attempt=question.attempt)
        return ToolServer(name=OWN, identity="", server=self.own_server(caller), specs=await self.own.specs())

    def own_server(self, caller: Caller = NOBODY) -> McpServer:
        """Return mcp-server, asked on somebody's behalf."""
        signed = sign_caller(caller, key=self.secret, audience=AUDIENCE, ttl_seconds=RUN_SECONDS)
        return self.connections.own({INTERNAL_HEADER: signed})
