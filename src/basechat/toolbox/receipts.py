"""Transactions of tools: bounded statements on the rows of the caller, and effects that happen once per call."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.runs.answer import RUN_SECONDS
from basechat.chat.search import list_ended_runs
from basechat.infra.db import Database, is_transient
from basechat.kit import json
from basechat.toolbox.access import current_caller

log = logging.getLogger(__name__)

STATEMENT_SECONDS = 3
_SET_TIMEOUT = text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
_STATEMENT_CANCELED = "57014"  # SQLSTATE of a statement beyond its timeout
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds; a database restarts in one or two

Result = TypeVar("Result", bound=BaseModel)

# A receipt is taken before the effect: the same call at the same time waits here, and then reads the stored result.
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


class DatabaseUnavailableError(ToolError):
    """The database became unreachable before its answer: the effect of the call is unknown."""

    def __init__(self) -> None:
        super().__init__("BaseChat's database does not answer now. Try again in a moment.")


@asynccontextmanager
async def caller_transaction(database: Database) -> AsyncIterator[AsyncConnection]:
    """Open a transaction on the caller's rows. Faults of the database become errors that the model can read."""
    try:
        async with database.owner_transaction(current_caller().owner_id) as connection:
            await connection.execute(_SET_TIMEOUT)
            yield connection
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _STATEMENT_CANCELED:
            raise ToolError(f"This took longer than {STATEMENT_SECONDS} seconds and was stopped.") from error
        if not is_transient(error):
            raise
        raise DatabaseUnavailableError from error
    except (PoolTimeoutError, OSError) as error:
        raise DatabaseUnavailableError from error


async def once(
    database: Database, result_type: type[Result], effect: Callable[[AsyncConnection], Awaitable[Result]]
) -> Result:
    """Execute an effect on the caller's rows, or return the stored result of the same call of the same run.

    Effect and receipt are one transaction, so a retry is safe while the database is unreachable. A call outside of runs
    has no receipt.
    """
    caller = current_caller()
    for pause in _PAUSES if caller.run_id is not None and caller.call_id is not None else ():
        try:
            return await _try_once(database, result_type, effect)
        except DatabaseUnavailableError as error:
            log.warning("retrying call %s of run %s: %s", caller.call_id, caller.run_id, error)
        await asyncio.sleep(pause)
    return await _try_once(database, result_type, effect)


async def _try_once(
    database: Database, result_type: type[Result], effect: Callable[[AsyncConnection], Awaitable[Result]]
) -> Result:
    caller = current_caller()
    async with caller_transaction(database) as connection:
        if caller.run_id is None or caller.call_id is None:
            return await effect(connection)
        call = {"run_id": caller.run_id, "call_id": caller.call_id}
        try:
            is_first = await connection.scalar(_TAKE, {**call, "owner": caller.owner_id}) is not None
        except IntegrityError as error:
            raise ToolError("The run of this call is gone.") from error
        if not is_first:
            return result_type.model_validate(await connection.scalar(_FIND, {**call, "owner": caller.owner_id}))
        result = await effect(connection)
        await connection.execute(_KEEP, {**call, "result": json.dumps(result.model_dump(mode="json")).decode()})
        return result


async def delete_expired(connection: AsyncConnection) -> None:
    """Delete the receipts of runs that ended some time ago. The transaction must see the rows of all owners."""
    runs = (await connection.scalars(_LIST_RUNS)).all()
    if ended := await list_ended_runs(connection, runs, age=_KEPT):
        await connection.execute(_DELETE, {"run_ids": ended})
