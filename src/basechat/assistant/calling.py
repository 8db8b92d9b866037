"""A tool call of the model: check it, write it to the ledger, wait for approval if necessary, execute it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from langgraph.types import interrupt

from basechat.assistant.state import CallState, Context
from basechat.assistant.tools import AvailableTool, ToolRequest
from basechat.chat.runs.tools.ledger import CallDecision, ToolCall, shorten_arguments
from basechat.chat.runs.tools.validate import find_problems
from basechat.infra.cache.layers import MCP
from basechat.infra.mcp.errors import McpError, McpErrorCode
from basechat.infra.mcp.tools import ToolResult
from basechat.kit import json
from basechat.protocol import ApprovalAsked, ToolAnswered, ToolCalled

log = logging.getLogger(__name__)

TURNS = 12
"""Most turns with tool calls in one answer."""
_NAMES_LISTED = 40
# Seconds between tries of a call: mcp-server may be restarting. It executes a repeated call once.
_RETRY_PAUSES = (0.2, 0.8, 2.0, 4.0, 8.0)
_RETRIED = frozenset({McpErrorCode.UNREACHABLE, McpErrorCode.FAILED, McpErrorCode.NONSENSE})


async def execute_request(state: CallState, context: Context) -> ToolResult:
    """The result of a call. If the call needs approval, `interrupt` pauses the workflow."""
    request = state["request"]
    tool = context.tools.get(request["name"])
    refusal = await _refusal(request, tool, state["turn"], context)
    call = _call(state, tool, is_refused=refusal is not None)
    decision = await context.ledger.begin(context.run, call)
    call = replace(call, arguments=decision.arguments)
    _emit_call(call, context)
    if decision.verdict == "wait":
        _wait(call, decision, context)
    result = decision.result
    if result is None:
        result = refusal or await _execute(tool, call, context)
        await context.ledger.end(context.run, call.call_id, result)
    _emit_result(call, result, context)
    if call.arguments == (request["arguments"] or {}):
        return result
    changed = json.dumps(call.arguments).decode()
    return replace(result, text=f"The user changed the arguments of this call to {changed}.\n\n{result.text}")


async def report_failed_servers(failed: Mapping[str, str], context: Context) -> None:
    """Report servers that are on but have no tools, in the form of failed calls, so that a person sees them."""
    for server, problem in failed.items():
        call = ToolCall(
            call_id=f"silent_{server}",  # the same for each attempt, so that it is reported once
            name=server,
            title=server,
            server=server,
            arguments={},
            step=0,
            text_at=0,
            input_schema={},
            approval_key=None,
            is_repeatable=True,
        )
        decision = await context.ledger.begin(context.run, call)
        _emit_call(call, context)
        result = decision.result or _failure(problem)
        if decision.result is None:
            await context.ledger.end(context.run, call.call_id, result)
        _emit_result(call, result, context)


def _emit_call(call: ToolCall, context: Context) -> None:
    context.events.emit(
        ToolCalled(
            call_id=call.call_id,
            name=call.name,
            title=call.title,
            server=call.server,
            arguments=shorten_arguments(call.arguments),
            at=call.text_at,
        )
    )


def _emit_result(call: ToolCall, result: ToolResult, context: Context) -> None:
    context.events.emit(ToolAnswered(call_id=call.call_id, ok=result.ok, preview=result.preview, cached=result.cached))


def _call(state: CallState, tool: AvailableTool | None, *, is_refused: bool) -> ToolCall:
    request = state["request"]
    return ToolCall(
        call_id=request["call_id"],
        name=request["name"],
        title=tool.title if tool else request["name"],
        server=tool.server.name if tool else "",
        arguments=request["arguments"] or {},
        step=state["turn"],
        text_at=state["text_at"],
        input_schema=tool.spec.input_schema if tool else {},
        approval_key=tool.approval_key if tool and not is_refused else None,
        # If the tool is gone by now, assume that a repeated call is not safe.
        is_repeatable=tool is not None and (tool.is_own or tool.spec.idempotent),
    )


def _wait(call: ToolCall, decision: CallDecision, context: Context) -> None:
    """Ask for approval and leave the workflow. The node starts again when the run continues."""
    assert decision.expires_at is not None  # noqa: S101 - the ledger sets it for every call that waits
    context.events.emit(
        ApprovalAsked(
            call_id=call.call_id,
            name=call.name,
            title=call.title,
            server=call.server,
            arguments=call.arguments,
            input_schema=call.input_schema,
            expires_at=decision.expires_at,
        )
    )
    interrupt(call.call_id)


async def _refusal(request: ToolRequest, tool: AvailableTool | None, turn: int, context: Context) -> ToolResult | None:
    """Why a call is not executed, in words for the model."""
    if turn > TURNS:
        return _failure(f"tools.too_many: this answer called tools {TURNS} times, which is the limit. Answer now.")
    if tool is None:
        names = ", ".join(list(context.tools)[:_NAMES_LISTED]) or "none"
        return _failure(f"tool.not_found: there is no tool {request['name']!r}. The tools are: {names}.")
    if request["problem"] or request["arguments"] is None:
        return _failure(f"call.arguments: {request['problem']}")
    if problems := await find_problems(request["arguments"], tool.spec.input_schema):
        details = "; ".join(f"{problem.field}: {problem.detail}" for problem in problems)
        return _failure(f"call.arguments: {details}")
    return None


def _failure(text: str) -> ToolResult:
    return ToolResult(ok=False, text=text)


async def _execute(tool: AvailableTool | None, call: ToolCall, context: Context) -> ToolResult:
    """The result of an approved call, from the cache if the tool is repeatable."""
    assert tool is not None  # noqa: S101 - a call of an unknown tool is refused before
    is_cacheable = tool.spec.repeatable and context.run.use_cache
    layer = MCP.of(tool.name)
    parts = {
        "owner": context.run.owner_id,
        "server": tool.server.identity,
        "tool": tool.spec.to_json(),
        "arguments": call.arguments,
    }
    if is_cacheable and (cached := await context.cache.get(layer, parts)) is not None:
        return ToolResult(ok=True, text=cached, cached=True)
    try:
        result = await _call_server(tool, call)
    except McpError as error:
        log.warning("tool %s of %s: %s", tool.spec.name, tool.server.name, error.detail)
        return _failure(_error_text(tool, error))
    if is_cacheable and result.ok:
        await context.cache.put(layer, parts, result.text)
    return result


async def _call_server(tool: AvailableTool, call: ToolCall) -> ToolResult:
    for pause in _RETRY_PAUSES if tool.is_own else ():
        try:
            return await tool.server.connect().call(tool.spec.name, call.arguments, call_id=call.call_id)
        except McpError as error:
            if error.code not in _RETRIED:
                raise
        await asyncio.sleep(pause)
    return await tool.server.connect().call(tool.spec.name, call.arguments, call_id=call.call_id)


def _error_text(tool: AvailableTool, error: McpError) -> str:
    """An error in words for the model. A call that may have had an effect must not look like one that failed."""
    if error.sent and not tool.spec.idempotent:
        return f"tool.outcome_unknown: {error.detail} Whether the call had its effect is not known; find out first."
    return f"{error.code}: {error.detail}"
