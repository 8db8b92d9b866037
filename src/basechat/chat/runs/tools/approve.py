"""Decide about a tool call that needs approval: make it once, always in this chat, or not at all."""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.runs.tools.ledger import result_document
from basechat.chat.runs.tools.validate import check_arguments
from basechat.chat.schemas import ApprovalDecision
from basechat.infra.db import Database
from basechat.infra.mcp.tools import ToolResult
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.infra.redis.signals import wake
from basechat.kit import json
from basechat.kit.errors import ConflictError, NotFoundError

log = logging.getLogger(__name__)

# The chat is locked before the run, as in all statements.
_LOCK_CHAT = text("""
    SELECT c.id FROM chat_sessions c JOIN runs r ON r.session_id = c.id
    WHERE r.id = :run_id AND r.owner_id = :owner_id FOR UPDATE OF c
""")
_LOCK_RUN = text("""
    SELECT status IN ('queued', 'running', 'waiting') FROM runs WHERE id = :run_id FOR UPDATE
""")
_FIND = text("""
    SELECT t.status, t.arguments, t.input_schema, t.approval_key, t.expires_at <= now() AS is_late
    FROM tool_calls t WHERE t.run_id = :run_id AND t.call_id = :call_id AND t.owner_id = :owner_id
""")
_DENY = text("""
    UPDATE tool_calls SET status = 'denied', result = :result, finished_at = now()
    WHERE run_id = :run_id AND call_id = :call_id
""")
_APPROVE = text("""
    UPDATE tool_calls SET status = 'approved', arguments = :arguments WHERE run_id = :run_id AND call_id = :call_id
""")
# "Always" also approves pending calls of the same tool.
_ALWAYS = text("""
    UPDATE tool_calls SET status = 'approved'
    WHERE run_id = :run_id AND approval_key = :approval_key AND status = 'proposed'
""")
_REMEMBER = text("""
    UPDATE chat_sessions SET approved_tools = approved_tools || to_jsonb(CAST(:approval_key AS text))
    WHERE id = :chat_id AND NOT approved_tools ? CAST(:approval_key AS text)
""")
_CONTINUE = text("""
    UPDATE runs SET status = 'queued' WHERE id = :run_id AND status = 'waiting'
    AND NOT EXISTS (SELECT FROM tool_calls t WHERE t.run_id = runs.id AND t.status = 'proposed')
    RETURNING id
""")

DENIED = ToolResult(ok=False, text="The user did not allow this call. Do not make it again; go on without it.")


async def decide_call(
    database: Database, state: Redis, owner_id: UUID, run_id: UUID, decision: ApprovalDecision
) -> None:
    """Store a decision, and wake a worker if the run waits for no other one.

    Raises `NotFoundError` for an unknown run or call, and `ConflictError` for a call that does not wait. Arguments
    that the schema of the tool does not allow raise `InvalidRequestError`.
    """
    values = {"run_id": run_id, "owner_id": owner_id, "call_id": decision.call_id}
    async with database.owner_transaction(owner_id) as connection:
        chat_id = await connection.scalar(_LOCK_CHAT, values)
        if chat_id is None:
            raise NotFoundError("There is no such run.", code="run.not_found")
        is_active: bool = (await connection.scalars(_LOCK_RUN, values)).one()
        call = _check_pending((await connection.execute(_FIND, values)).one_or_none(), is_active=is_active)
        if decision.decision == "deny":
            await connection.execute(_DENY, values | {"result": result_document(DENIED)})
        else:
            await _approve(connection, call, decision, values | {"chat_id": chat_id})
        continues = await connection.scalar(_CONTINUE, values) is not None
    if continues:
        try:
            await wake(state, run_id)
        except REDIS_ERRORS as error:
            log.warning("run %s waits for the reaper: %s", run_id, error)


def _check_pending(call: Row[Any] | None, *, is_active: bool) -> Row[Any]:
    if call is None:
        raise NotFoundError("There is no such call in this run.", code="call.not_found")
    if not is_active or call.status != "proposed" or call.is_late:
        raise ConflictError("This call does not wait for a decision.", code="call.decided")
    return call


async def _approve(
    connection: AsyncConnection, call: Row[Any], decision: ApprovalDecision, values: Mapping[str, Any]
) -> None:
    arguments = call.arguments if decision.arguments is None else decision.arguments
    await check_arguments(arguments, call.input_schema)
    await connection.execute(_APPROVE, {**values, "arguments": json.dumps(arguments).decode()})
    if decision.decision == "chat":
        remembered = {**values, "approval_key": call.approval_key}
        await connection.execute(_REMEMBER, remembered)
        await connection.execute(_ALWAYS, remembered)
