"""The table of outside servers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from basechat.infra.db import Database
from basechat.infra.mcp.tools import ToolSpec
from basechat.kit.errors import AppError, ConflictError, NotFoundError
from basechat.toolbox.models import McpServer
from basechat.toolbox.servers.endpoint import Endpoint, decrypt_headers

SERVERS = 50

_COLUMNS = list(McpServer.__table__.columns)

# One writer per person at a time, so that the last place is not given twice.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('mcp_servers:' || CAST(:owner AS text), 0))")

_LOAD = text("""
    SELECT id, owner_id, name, transport, url, options, credentials, tools FROM mcp_servers
    WHERE owner_id = :owner_id AND is_enabled
      AND (CAST(:names AS text[]) IS NULL OR name = ANY (CAST(:names AS text[])))
    ORDER BY name
""")


async def list_servers(database: Database, owner_id: UUID) -> list[Row[Any]]:
    statement = select(*_COLUMNS).where(McpServer.owner_id == owner_id).order_by(McpServer.name)
    async with database.owner_transaction(owner_id) as connection:
        return list(await connection.execute(statement))


async def get_server(database: Database, owner_id: UUID, server_id: UUID) -> Row[Any]:
    """Raises `NotFoundError`."""
    statement = select(*_COLUMNS).where(McpServer.id == server_id, McpServer.owner_id == owner_id)
    async with database.owner_transaction(owner_id) as connection:
        return _found((await connection.execute(statement)).one_or_none())


async def check_limit(database: Database, owner_id: UUID, name: str) -> None:
    """Raise `ConflictError` if a server can't be added. Called before its tools are listed, which takes time."""
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


async def update_server(database: Database, owner_id: UUID, server_id: UUID, values: Mapping[str, Any]) -> Row[Any]:
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
    """Delete a server with its credentials; raises `NotFoundError`."""
    statement = text("DELETE FROM mcp_servers WHERE id = :id AND owner_id = :owner_id RETURNING id")
    async with database.owner_transaction(owner_id) as connection:
        _found((await connection.execute(statement, {"id": server_id, "owner_id": owner_id})).one_or_none())


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFoundError("This server does not exist.", code="server.not_found")
    return row


def _conflict(error: IntegrityError) -> AppError:
    if "uq_mcp_servers_name" in str(error.orig):
        return _name_taken()
    raise error


def _name_taken() -> ConflictError:
    return ConflictError("A server with this name exists already.", code="server.name_taken")


def _too_many() -> ConflictError:
    return ConflictError(f"There are {SERVERS} servers already, which is the limit.", code="server.too_many")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideServer:
    """An enabled server, and the tools of its last listing."""

    id: UUID
    name: str
    endpoint: Endpoint
    tools: tuple[ToolSpec, ...]


async def load_servers(
    database: Database, owner_id: UUID, secret: bytes, *, names: Sequence[str] | None = None
) -> list[OutsideServer]:
    """The enabled servers of a person, or those of them with the given names. For workers, in one statement."""
    values = {"owner_id": owner_id, "names": None if names is None else list(names)}
    async with database.autocommit() as connection:
        rows = (await connection.execute(_LOAD, values)).all()
    return [
        OutsideServer(
            id=row.id,
            name=row.name,
            endpoint=endpoint_of(row, secret),
            tools=tuple(ToolSpec.from_json(each) for each in row.tools or ()),
        )
        for row in rows
    ]


def endpoint_of(row: Row[Any], secret: bytes) -> Endpoint:
    return Endpoint(
        transport=row.transport,
        url=row.url,
        command=row.options.get("command"),
        headers=decrypt_headers(row.credentials, secret=secret, owner_id=row.owner_id, server_id=row.id),
    )
