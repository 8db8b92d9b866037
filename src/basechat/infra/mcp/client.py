"""The client of one MCP server. Each listing or call is one session of the SDK; only connections are kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from mcp import Client
from mcp.client import Transport
from mcp.client.client import ConnectMode
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    AudioContent,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    Implementation,
    InputRequiredResult,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter

from basechat import __version__
from basechat.infra.mcp.errors import McpError, from_sdk, message_of
from basechat.infra.mcp.limits import DEFAULT_LIMITS, McpLimits
from basechat.infra.mcp.listing import list_all
from basechat.infra.mcp.tools import ToolResult, ToolSpec
from basechat.kit import json
from basechat.kit.text import storable
from basechat.protocol import CALL_ID_META

Abort = Callable[[McpError], None]
Result = TypeVar("Result")

_SERVERS = 10_000
_BASECHAT = Implementation(name="BaseChat", version=__version__)
# The SDK reports failures of its transport with these codes. Every other error is the server's answer to the call.
_TRANSPORT_ERRORS = frozenset({CONNECTION_CLOSED, REQUEST_TIMEOUT, PARSE_ERROR, INTERNAL_ERROR, INVALID_REQUEST})
_RESULT: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)


class ProtocolVersions:
    """Protocol versions of servers, by address or command: each server is probed once, and again after a failure."""

    def __init__(self, known: Mapping[str, ConnectMode] | None = None) -> None:
        self._known = dict(known or {})

    def mode_for(self, server: str) -> ConnectMode:
        return self._known.get(server, "auto")

    def learn(self, server: str, version: str | None) -> None:
        if version is None:
            self._known.pop(server, None)
        elif len(self._known) < _SERVERS:
            self._known[server] = version if version in MODERN_PROTOCOL_VERSIONS else "legacy"


class McpTarget(Protocol):
    """The place of a server, and how to reach it."""

    @property
    def name(self) -> str:
        """Its address or command."""

    @property
    def versions(self) -> ProtocolVersions:
        """Known versions of servers of this kind."""

    def connect(self, limits: McpLimits, abort: Abort) -> Transport:
        """Open the transport of one session. A failure of the transport ends the session through `abort`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """Lists and calls the tools of one server. Listings and calls may run concurrently."""

    target: McpTarget
    limits: McpLimits = DEFAULT_LIMITS

    async def list_tools(self) -> list[ToolSpec]:
        """List the tools of the server; raises `McpError`."""
        return await self._run_session(partial(list_all, limits=self.limits), self.limits.list_seconds)

    async def call(self, name: str, arguments: dict[str, Any], *, call_id: str) -> ToolResult:
        """Call a tool; raises `McpError` if the server fails. A failure of the tool is a result."""
        meta: Any = {CALL_ID_META: call_id}
        params = CallToolRequestParams(name=name, arguments=arguments, _meta=meta)
        return await self._run_session(partial(self._call, params), self.limits.call_seconds)

    async def _run_session(self, operation: Callable[[ClientSession], Awaitable[Result]], seconds: float) -> Result:
        """Open a session, run one operation and close it; raises `McpError` for all that a server can cause."""
        target, versions = self.target, self.target.versions
        cancellations, is_sent = _cancellations(), False
        results: list[Result] = []
        failures: list[McpError] = []
        try:
            async with asyncio.timeout(seconds) as deadline:

                def abort(error: McpError) -> None:
                    failures.append(error)
                    if not deadline.expired():
                        deadline.reschedule(0)

                transport, mode = target.connect(self.limits, abort), versions.mode_for(target.name)
                async with Client(transport, mode=mode, client_info=_BASECHAT, cache=None) as client:
                    versions.learn(target.name, client.protocol_version)
                    is_sent = True
                    results.append(await operation(client.session))
        except Exception as error:  # a bug of the SDK, too: a server must not be able to end a run
            if not failures:  # otherwise the SDK reports a consequence of that failure
                failures.append(from_sdk(error, seconds))
        # The SDK's task groups may raise their own failure in place of a cancellation at the same time.
        if _cancellations() > cancellations:
            raise asyncio.CancelledError
        if not results:  # otherwise the session failed after the answer, which counts
            versions.learn(target.name, None)
            raise McpError(failures[0].code, failures[0].detail, sent=failures[0].sent and is_sent)
        return results[0]

    async def _call(self, params: CallToolRequestParams, session: ClientSession) -> ToolResult:
        limit = self.limits.answer_length
        try:
            result = await self._send(CallToolRequest(params=params), session)
        except MCPError as error:
            if error.code in _TRANSPORT_ERRORS:
                raise
            return _result(f"The server did not run this tool: {message_of(error)}", ok=False, limit=limit)
        if isinstance(result, InputRequiredResult):
            return _result("This tool needs more input from its user, which is not supported.", ok=False, limit=limit)
        text = "\n".join(filter(None, map(_text, result.content)))
        if not text and result.structured_content is not None:
            text = json.dumps(result.structured_content).decode()
        return _result(text or "The tool returned nothing.", ok=not result.is_error, limit=limit)

    async def _send(self, request: CallToolRequest, session: ClientSession) -> CallToolResult | InputRequiredResult:
        """Send a call.

        The SDK's `call_tool` would also list the tools, to check the result against its schema, which BaseChat does not
        need. A server that wants arguments repeated in headers refuses the call until the tools were listed.
        """
        try:
            return await session.send_request(request, _RESULT)
        except MCPError as error:
            if error.code != HEADER_MISMATCH:
                raise
        await list_all(session, self.limits)
        return await session.send_request(request, _RESULT)


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _result(text: str, *, ok: bool, limit: int) -> ToolResult:
    text = storable(text)
    if len(text) > limit:
        text = f"{text[:limit]}\n[Cut here: the answer has {len(text):,} characters, of which {limit:,} are shown.]"
    return ToolResult(ok=ok, text=text)


def _text(block: ContentBlock) -> str:
    """The text of a block, or a line that describes it."""
    match block:
        case TextContent(text=text):
            return text
        case EmbeddedResource(resource=TextResourceContents(text=text, uri=uri)):
            return f"[resource {uri}]\n{text}"
        case EmbeddedResource(resource=resource):
            return f"[resource {resource.uri}, {resource.mime_type or 'of unknown type'}]"
        case ResourceLink(uri=uri, name=name):
            return f"[resource {name}: {uri}]"
        case ImageContent(mime_type=kind, data=data) | AudioContent(mime_type=kind, data=data):
            return f"[{block.type} {kind}, {len(data) * 3 // 4:,} bytes]"
