"""Tells a tool which call of a run it answers, so that a repeated call is known as such."""

from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from basechat.protocol import CALL_ID_META
from basechat.toolbox.owner import calling, find_caller

_LENGTH = 100


async def name_call(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Note what a run calls the call; what others put there is no name of ours."""
    call_id = (ctx.meta or {}).get(CALL_ID_META)
    caller = find_caller()
    if caller is None or caller.run_id is None or not isinstance(call_id, str) or not 0 < len(call_id) <= _LENGTH:
        return await call_next(ctx)
    with calling(replace(caller, call_id=call_id)):
        return await call_next(ctx)
