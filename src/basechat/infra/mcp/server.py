"""One MCP server: what it offers, and calls of it. Nothing is kept between them but open connections."""

from dataclasses import dataclass
from typing import Any

from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
)
from pydantic import TypeAdapter

from basechat.infra.mcp.bounds import USUAL, Bounds
from basechat.infra.mcp.errors import McpError
from basechat.infra.mcp.exchange import Route, converse, message_of
from basechat.infra.mcp.listing import list_all
from basechat.infra.mcp.outcome import outcome_of, told
from basechat.infra.mcp.tools import ToolResult, ToolSpec
from basechat.protocol import CALL_ID_META

# The SDK tells of its transport's troubles by these; every other error is the server's own answer to the call.
_TROUBLE = frozenset({CONNECTION_CLOSED, REQUEST_TIMEOUT, PARSE_ERROR, INTERNAL_ERROR, INVALID_REQUEST})
_RESULT: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """A server, ours or somebody's, for as many listings and calls as one likes, also at once."""

    route: Route
    bounds: Bounds = USUAL

    async def list_tools(self) -> list[ToolSpec]:
        """Return what the server offers now; raises `McpError`."""
        return await converse(
            self.route,
            lambda session: list_all(session, self.bounds),
            bounds=self.bounds,
            seconds=self.bounds.list_seconds,
        )

    async def call(self, name: str, arguments: dict[str, Any], *, call_id: str) -> ToolResult:
        """Call a tool; raises `McpError` for trouble with the server alone, which says whether the call was sent."""
        is_sent = False

        async def use(session: ClientSession) -> ToolResult:
            nonlocal is_sent
            is_sent = True
            return await self._outcome(session, CallToolRequestParams(name=name, arguments=arguments, _meta=meta))

        meta: Any = {CALL_ID_META: call_id}
        try:
            return await converse(self.route, use, bounds=self.bounds, seconds=self.bounds.call_seconds)
        except McpError as error:
            raise McpError(error.code, error.detail, sent=error.sent and is_sent) from error

    async def _outcome(self, session: ClientSession, call: CallToolRequestParams) -> ToolResult:
        limit = self.bounds.answer_length
        try:
            result = await _send(session, call, self.bounds)
        except MCPError as error:
            if error.code in _TROUBLE:
                raise
            return told(f"The server did not run this tool: {message_of(error)}", ok=False, limit=limit)
        if isinstance(result, InputRequiredResult):
            return told("This tool asks its user for more input, which is not possible here.", ok=False, limit=limit)
        return outcome_of(result, limit=limit)


async def _send(
    session: ClientSession, call: CallToolRequestParams, bounds: Bounds
) -> CallToolResult | InputRequiredResult:
    """Send a call.

    The SDK's own `call_tool` would list the tools after it, to check the result against a schema that nobody here
    reads. A server that wants arguments repeated in headers refuses the call until the tools have been listed.
    """
    request = CallToolRequest(params=call)
    try:
        return await session.send_request(request, _RESULT)
    except MCPError as error:
        if error.code != HEADER_MISMATCH:
            raise
    await list_all(session, bounds)
    return await session.send_request(request, _RESULT)
