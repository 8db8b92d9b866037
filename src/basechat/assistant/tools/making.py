"""Making one call: from the cache where it is repeatable, else by asking its server, whose troubles are told."""

import asyncio
import logging

from basechat.assistant.tools.bench import Workbench
from basechat.assistant.tools.offer import OfferedTool
from basechat.chat.runs.answer import RunRequest
from basechat.chat.runs.tools.ledger import ToolCall
from basechat.infra.cache.layers import MCP
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.tools import ToolResult

log = logging.getLogger(__name__)

# Seconds between tries to reach mcp-server, which may be starting anew. It does nothing twice for the same call.
_PAUSES = (0.2, 0.8, 2.0, 4.0, 8.0)
_PASSING = frozenset({McpErrorCode.UNREACHABLE, McpErrorCode.FAILED, McpErrorCode.NONSENSE})


async def make_call(bench: Workbench, question: RunRequest, tool: OfferedTool, call: ToolCall) -> ToolResult:
    """Make a call and return what came of it, whatever that is."""
    is_cacheable = tool.spec.repeatable and question.use_cache
    layer = MCP.of(tool.name)
    parts = {
        "owner": question.owner_id,
        "server": tool.server.identity,
        "tool": tool.spec.to_json(),
        "arguments": call.arguments,
    }
    if is_cacheable and (found := await bench.cache.get(layer, parts)) is not None:
        return ToolResult(ok=True, text=found, cached=True)
    try:
        result = await _ask(tool, call)
    except McpError as error:
        log.warning("tool %s of %s: %s", tool.spec.name, tool.server.name, error.detail)
        return ToolResult(ok=False, text=_told(tool, error))
    if is_cacheable and result.ok:
        await bench.cache.put(layer, parts, result.text)
    return result


async def _ask(tool: OfferedTool, call: ToolCall) -> ToolResult:
    for pause in _PAUSES if tool.is_own else ():
        try:
            return await tool.server.connect().call(tool.spec.name, call.arguments, call_id=call.call_id)
        except McpError as error:
            if error.code not in _PASSING:
                raise
        await asyncio.sleep(pause)
    return await tool.server.connect().call(tool.spec.name, call.arguments, call_id=call.call_id)


def _told(tool: OfferedTool, error: McpError) -> str:
    """Tell the model; what may have had its effect must not be taken for something that did not happen."""
    if error.sent and not tool.spec.idempotent:
        return f"tool.outcome_unknown: {error.detail} Whether the call had its effect is not known; find out first."
    return f"{error.code}: {error.detail}"
