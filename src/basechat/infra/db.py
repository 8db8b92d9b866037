"""The database: an engine per role, and transactions that see one owner's rows or all rows."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import URL, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from basechat.infra.database_url import owner_url, role_url
from basechat.kit import json
from basechat.kit.config import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

_SET_OWNER = text("SELECT set_config('app.owner_id', :owner, true)")
# Every statement uses keys and indexes, whatever its values. So one plan fits all values, and to plan a long statement
# again would cost more than to run it.
_SERVER_SETTINGS = {"application_name": "basechat", "plan_cache_mode": "force_generic_plan", "jit": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Connections of two roles to one database.

    `people` logs in as `basechat_app`, which sees only the rows of the owner that a transaction names. `system` logs
    in as `basechat_worker`, which sees all rows: for sign-in, workers and the reaper. `gate` limits concurrent
    transactions to the connections that stay open. A connection beyond them would be closed after one statement,
    which costs far more than to wait.
    """

    people: AsyncEngine
    system: AsyncEngine
    gate: asyncio.Semaphore

    @asynccontextmanager
    async def owner_transaction(self, owner_id: UUID) -> AsyncIterator[AsyncConnection]:
        """Open a transaction on the rows of one owner; it commits at the end."""
        async with self.gate, self.people.begin() as connection:
            await connection.execute(_SET_OWNER, {"owner": str(owner_id)})
            yield connection

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection on which each statement is its own transaction: one round trip instead of three."""
        async with self.gate, self.system.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def system_transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction on all rows. Each statement must name the owner itself."""
        async with self.gate, self.system.begin() as connection:
            yield connection

    async def close(self) -> None:
        await self.people.dispose()
        await self.system.dispose()


# Errors while the server is unreachable. `OSError` comes from connecting.
DATABASE_ERRORS = (DBAPIError, PoolTimeoutError, OSError)


def is_transient(error: DBAPIError) -> bool:
    """Whether the server is unreachable, full or restarting, so that the statement may work later.

    By the classes of SQLSTATE (PostgreSQL, appendix A): connection, rollback, resources, intervention, system.
    """
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state[:2] in {"08", "40", "53", "57", "58"}


async def retry_transient(do: Callable[[], Awaitable[T]]) -> T:
    """Repeat an action until the server is reachable. Other errors are raised.

    The action must be idempotent: a reply may be lost after the commit.
    """
    pause = 0.1
    while True:
        try:
            return await do()
        except DATABASE_ERRORS as error:
            if isinstance(error, DBAPIError) and not is_transient(error):
                raise
            log.warning("the database is unreachable, retrying: %s", error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2)


def open_database(settings: Settings, *, pool_size: int | None = None, max_overflow: int | None = None) -> Database:
    """Create the engines, which connect with the first transaction. The sizes are of the pool of each role."""
    owner = owner_url(settings)
    secret = settings.secret_key.get_secret_value()
    sizes = (pool_size or settings.database_pool_size, max_overflow or settings.database_max_overflow)
    return Database(
        people=_engine(role_url(owner, "basechat_app", secret), *sizes),
        system=_engine(role_url(owner, "basechat_worker", secret), *sizes),
        gate=asyncio.Semaphore(sizes[0]),
    )


def _engine(url: URL, pool_size: int, max_overflow: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,  # errors are logged, and parameters contain hashes and messages
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_recycle=300,
        pool_use_lifo=True,  # few connections with cached plans rather than many without
        json_serializer=lambda value: json.dumps(value).decode(),
        json_deserializer=json.loads,
        connect_args={"timeout": 10, "command_timeout": 30, "server_settings": _SERVER_SETTINGS},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Let the pool replace a connection that the server closed. asyncpg knows, so a ping is not needed."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
