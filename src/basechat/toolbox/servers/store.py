"""The table of outside servers, for their owners."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from basechat.infra.db import Database
from basechat.kit.errors import AppError, ConflictError, NotFoundError
from basechat.toolbox.models import McpServer

SERVERS = 50

_COLUMNS = list(McpServer.__table__.columns)

# One at a time per person, so that the last place is not given twice.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('mcp_servers:' || CAST(:owner AS text), 0))")


async def list_servers(database: Database, owner_id: UUID) -> list[Row[Any]]:
    """Return a person's servers, by name."""
    statement = select(*_COLUMNS).where(McpServer.owner_id == owner_id).order_by(McpServer.name)
    async with database.owner_transaction(owner_id) as connection:
        return list(await connection.execute(statement))


async def get_server(database: Database, owner_id: UUID, server_id: UUID) -> Row[Any]:
    """Return a server; raises `NotFoundError`."""
    statement = select(*_COLUMNS).where(McpServer.id == server_id, McpServer.owner_id == owner_id)
    async with database.owner_transaction(owner_id) as connection:
        return _found((await connection.execute(statement)).one_or_none())


async def check_place(database: Database, owner_id: UUID, name: str) -> None:
    """Raise `ConflictError` where a server can't be added: found out before it is asked, which takes time."""
    statement = select(func.count(), func.bool_or(McpServer.name == name)).where(McpServer.owner_id == owner_id)
    async with database.owner_transaction(owner_id) as connection:
        count, is_taken = (await connection.execute(statement)).one()
    if is_taken:
        raise _name_taken()
    if count >= SERVERS:
        raise _too_many()


async def create_server(database: Database, owner_id: UUID, values: Mapping[str, Any]) -> Row[Any]:
    """Add a server; raises `ConflictError`."""
    count = select(func.count()).where(McpServer.owner_id == owner_id)
    statement = insert(McpServer).values(owner_id=owner_id, **values).returning(*_COLUMNS)
    try:
        async with database.owner_transaction(owner_id) as connection:
            await connection.execute(_LOCK, {"owner": str(owner_id)})
            if (await connection.execute(count)).scalar_one() >= SERVERS:
                raise _too_many()
            return (await connection.execute(statement)).one()
    except IntegrityError as error:
        raise _conflict(error) from error


async def change_server(database: Database, owner_id: UUID, server_id: UUID, values: Mapping[str, Any]) -> Row[Any]:
    """Change a server; raises `NotFoundError` and `ConflictError`."""
    statement = (
        update(McpServer)
        .where(McpServer.id == server_id, McpServer.owner_id == owner_id)
        .values(**values)
        .returning(*_COLUMNS)
    )
    try:
        async with database.owner_transaction(owner_id) as connection:
            return _found((await connection.execute(statement)).one_or_none())
    except IntegrityError as error:
        raise _conflict(error) from error


async def delete_server(database: Database, owner_id: UUID, server_id: UUID) -> None:
    """Remove a server with its credentials; raises `NotFoundError`."""
    statement = text("DELETE FROM mcp_servers WHERE id = :id AND owner_id = :owner_id RETURNING id")
    async with database.owner_transaction(owner_id) as connection:
        _found((await connection.execute(statement, {"id": server_id, "owner_id": owner_id})).one_or_none())


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFoundError("There is no such server.", code="server.not_found")
    return row


def _conflict(error: IntegrityError) -> AppError:
    if "uq_mcp_servers_name" in str(error.orig):
        return _name_taken()
    raise error


def _name_taken() -> ConflictError:
    return ConflictError("There is a server of this name.", code="server.name_taken")


def _too_many() -> ConflictError:
    return ConflictError(f"There are {SERVERS} servers already, which is the most.", code="server.too_many")
