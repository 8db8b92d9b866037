"""Tools of ours that write have their effect once per call, however often a run repeats it after a fault."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.runs.answer import RUN_SECONDS
from basechat.chat.search import list_ended_runs
from basechat.infra.db import Database
from basechat.kit import json
from basechat.toolbox.owner import DatabaseAwayError, current_caller, rows_of

log = logging.getLogger(__name__)

_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds; a server that starts anew needs one or two

Answer = TypeVar("Answer", bound=BaseModel)

# Taken before the effect: the same call at the same time waits here for the other to end, and then finds its answer.
_TAKE = text("""
    INSERT INTO tool_receipts (run_id, call_id, owner_id, result) VALUES (:run_id, :call_id, :owner, '{}')
    ON CONFLICT DO NOTHING RETURNING call_id
""")
_KEEP = text("UPDATE tool_receipts SET result = :result WHERE run_id = :run_id AND call_id = :call_id")
_FIND = text("SELECT result FROM tool_receipts WHERE run_id = :run_id AND call_id = :call_id AND owner_id = :owner")
_LIST_RUNS = text("SELECT DISTINCT run_id FROM tool_receipts")
_DELETE = text("DELETE FROM tool_receipts WHERE run_id = ANY(:run_ids)")
# A stopped mcp-server may execute a call late, as long as the caller's signature is valid.
_KEPT = timedelta(seconds=2 * RUN_SECONDS)


async def delete_expired(connection: AsyncConnection) -> None:
    """Delete the receipts of runs that ended some time ago. The transaction must see the rows of all owners."""
    runs = (await connection.scalars(_LIST_RUNS)).all()
    if ended := await list_ended_runs(connection, runs, age=_KEPT):
        await connection.execute(_DELETE, {"run_ids": ended})


async def once(
    database: Database, answer_type: type[Answer], effect: Callable[[AsyncConnection], Awaitable[Answer]]
) -> Answer:
    """Have an effect on the caller's rows and return its answer, or the answer of the same call of the same run.

    Effect and receipt are one transaction, so while the database is away it is tried again. A call that belongs to no
    run has no receipt.
    """
    caller = current_caller()
    for pause in _PAUSES if caller.run_id is not None and caller.call_id is not None else ():
        try:
            return await _try_once(database, answer_type, effect)
        except DatabaseAwayError as error:
            log.warning("call %s of run %s is tried again: %s", caller.call_id, caller.run_id, error)
        await asyncio.sleep(pause)
    return await _try_once(database, answer_type, effect)


async def _try_once(
    database: Database, answer_type: type[Answer], effect: Callable[[AsyncConnection], Awaitable[Answer]]
) -> Answer:
    caller = current_caller()
    async with rows_of(caller.owner_id, database) as connection:
        if caller.run_id is None or caller.call_id is None:
            return await effect(connection)
        call = {"run_id": caller.run_id, "call_id": caller.call_id}
        try:
            is_first = await connection.scalar(_TAKE, {**call, "owner": caller.owner_id}) is not None
        except IntegrityError as error:
            raise ToolError("The run of this call is gone.") from error
        if not is_first:
            return answer_type.model_validate(await connection.scalar(_FIND, {**call, "owner": caller.owner_id}))
        answer = await effect(connection)
        await connection.execute(_KEEP, {**call, "result": json.dumps(answer.model_dump(mode="json")).decode()})
        return answer
