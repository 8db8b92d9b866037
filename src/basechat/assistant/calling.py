"""A call that the model asks for: checked, written down, approved where it must be, made, and told to the viewers."""

from collections.abc import Mapping
from dataclasses import replace

from langgraph.types import interrupt

from basechat.assistant.state import CallState, Context
from basechat.assistant.tools.making import make_call
from basechat.assistant.tools.offer import OfferedTool
from basechat.assistant.tools.requests import ToolRequest
from basechat.chat.runs.tools.ledger import CallDecision, ToolCall, shorten_arguments
from basechat.chat.runs.tools.validate import find_problems
from basechat.infra.mcp.tools import ToolResult
from basechat.kit import json
from basechat.protocol import ApprovalAsked, ToolAnswered, ToolCalled

TURNS = 12
"""How often the model may call tools before it has to answer."""
_NAMED = 40


async def answer_request(state: CallState, context: Context) -> ToolResult:
    """Return what came of a call. Where it waits for approval, the workflow is interrupted instead."""
    request = state["request"]
    tool = context.tools.get(request["name"])
    refusal = await _refusal(request, tool, state["turn"], context)
    call = _call(state, tool, is_made=refusal is None)
    decision = await context.bench.ledger.begin(context.question, call)
    call = replace(call, arguments=decision.arguments)
    _tell_call(call, context)
    if decision.verdict == "wait":
        _wait(call, decision, context)
    result = decision.result
    if result is None:
        result = refusal
        if tool is not None and result is None:
            result = await make_call(context.bench, context.question, tool, call)
        assert result is not None  # noqa: S101 - a call of no tool is refused
        await context.bench.ledger.end(context.question, call.call_id, result)
    _tell_result(call, result, context)
    if call.arguments == (request["arguments"] or {}):
        return result
    changed = json.dumps(call.arguments).decode()
    return replace(result, text=f"The user changed the arguments of this call to {changed}.\n\n{result.text}")


async def tell_silent(silent: Mapping[str, str], context: Context) -> None:
    """Tell of servers that are on and offer nothing, as of calls that failed: nobody else would notice."""
    for server, problem in silent.items():
        call = ToolCall(
            call_id=f"silent_{server}",  # the same for every attempt, so that it is told of once
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
        decision = await context.bench.ledger.begin(context.question, call)
        _tell_call(call, context)
        result = decision.result or _no(problem)
        if decision.result is None:
            await context.bench.ledger.end(context.question, call.call_id, result)
        _tell_result(call, result, context)


def _tell_call(call: ToolCall, context: Context) -> None:
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


def _tell_result(call: ToolCall, result: ToolResult, context: Context) -> None:
    context.events.emit(ToolAnswered(call_id=call.call_id, ok=result.ok, preview=result.preview, cached=result.cached))


def _call(state: CallState, tool: OfferedTool | None, *, is_made: bool) -> ToolCall:
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
        approval_key=tool.approval_key if tool and is_made else None,
        # Of a tool that is gone by now nobody can say.
        is_repeatable=tool is not None and (tool.is_own or tool.spec.idempotent),
    )


def _wait(call: ToolCall, decision: CallDecision, context: Context) -> None:
    """Ask, and leave the workflow; it comes back here when the run goes on."""
    assert decision.expires_at is not None  # noqa: S101 - as the ledger has it of every call that waits
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


async def _refusal(request: ToolRequest, tool: OfferedTool | None, turn: int, context: Context) -> ToolResult | None:
    """Return why a call is not made, or None."""
    if turn > TURNS:
        return _no(f"tools.too_many: tools were called {TURNS} times for this answer, which is the most. Answer now.")
    if tool is None:
        names = ", ".join(list(context.tools)[:_NAMED]) or "none"
        return _no(f"tool.not_found: there is no tool {request['name']!r}. The tools are: {names}.")
    if request["problem"] or request["arguments"] is None:
        return _no(f"call.arguments: {request['problem']}")
    if problems := await find_problems(request["arguments"], tool.spec.input_schema):
        told = "; ".join(f"{problem.field}: {problem.detail}" for problem in problems)
        return _no(f"call.arguments: {told}")
    return None


def _no(text: str) -> ToolResult:
    return ToolResult(ok=False, text=text)
