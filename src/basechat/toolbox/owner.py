"""On whose behalf a tool is called, and that person's rows."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from asyncpg.exceptions import QueryCanceledError
from mcp.server.mcpserver.exceptions import ToolError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.db import Database, is_transient

STATEMENT_SECONDS = 3
_SET_TIMEOUT = text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")


class DatabaseAwayError(ToolError):
    """Nobody knows whether the call had its effect: the database went away before it said so."""

    def __init__(self) -> None:
        super().__init__("BaseChat's database does not answer now. Try again in a moment.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCaller:
    """The person who calls a tool, themselves or through the assistant that works on one of their runs.

    `call_id` is the run's name of this call, the same when the call is repeated after a fault.
    """

    owner_id: UUID
    run_id: UUID | None = None
    call_id: str | None = None


# Set by `ToolAccess` for one request; the SDK runs the tool in a copy of that request's context.
_caller: ContextVar[ToolCaller] = ContextVar("tool_caller")


@contextmanager
def calling(caller: ToolCaller) -> Iterator[None]:
    """Let what runs inside, and the tasks it starts, act for this caller."""
    reset = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(reset)


def current_caller() -> ToolCaller:
    """Return for whom the running tool acts; raises `LookupError` outside of a call that was let in."""
    return _caller.get()


def find_caller() -> ToolCaller | None:
    """Return for whom this request is served; None outside of one that was let in."""
    return _caller.get(None)


@asynccontextmanager
async def rows_of(owner_id: UUID, database: Database) -> AsyncIterator[AsyncConnection]:
    """Open a transaction on a person's rows; what goes wrong with the database is told to the model as such."""
    try:
        async with database.owner_transaction(owner_id) as connection:
            await connection.execute(_SET_TIMEOUT)
            yield connection
    except DBAPIError as error:
        if isinstance(error.orig.__cause__ if error.orig else None, QueryCanceledError):
            raise ToolError(f"This took longer than {STATEMENT_SECONDS} seconds and was stopped.") from error
        if not is_transient(error):
            raise
        raise DatabaseAwayError from error
    except (PoolTimeoutError, OSError) as error:
        raise DatabaseAwayError from error
