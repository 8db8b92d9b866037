"""The tables of providers and aliases, for administrators; each call is part of a transaction that is open."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.kit.errors import ConflictError, NotFoundError
from basechat.llm.models import ModelAlias, StoredProvider

Table = type[StoredProvider] | type[ModelAlias]

_WORDS: Mapping[Table, str] = {StoredProvider: "provider", ModelAlias: "alias"}


async def list_rows(connection: AsyncConnection, table: Table) -> list[Row[Any]]:
    """Return all rows, oldest first."""
    statement = select(*table.__table__.columns).order_by(table.created_at, table.id)
    return list(await connection.execute(statement))


async def get_row(connection: AsyncConnection, table: Table, row_id: UUID, *, lock: bool = False) -> Row[Any]:
    """Return a row, for as long as the transaction takes if it is locked; raises `NotFoundError`."""
    statement = select(*table.__table__.columns).where(table.id == row_id)
    found = await connection.execute(statement.with_for_update() if lock else statement)
    return _found(found.one_or_none(), table)


async def create_row(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> Row[Any]:
    """Add a row; raises `ConflictError` where its name is taken."""
    statement = insert(table).values(**values).returning(*table.__table__.columns)
    try:
        return (await connection.execute(statement)).one()
    except IntegrityError as error:
        raise name_taken(table) from error


async def change_row(connection: AsyncConnection, table: Table, row_id: UUID, values: Mapping[str, Any]) -> Row[Any]:
    """Change a row; raises `NotFoundError`, and `ConflictError` where its name is taken."""
    statement = update(table).where(table.id == row_id).values(**values).returning(*table.__table__.columns)
    try:
        return _found((await connection.execute(statement)).one_or_none(), table)
    except IntegrityError as error:
        raise name_taken(table) from error


async def delete_row(connection: AsyncConnection, table: Table, row_id: UUID) -> str:
    """Remove a row and return its name; raises `NotFoundError`."""
    statement = delete(table).where(table.id == row_id).returning(table.name)
    name: str = _found((await connection.execute(statement)).one_or_none(), table).name
    return name


def name_taken(table: Table) -> ConflictError:
    """Return what is raised where a name belongs to another one."""
    word = _WORDS[table]
    return ConflictError(f"There is a {word} of this name.".replace("a alias", "an alias"), code=f"{word}.name_taken")


def _found(row: Row[Any] | None, table: Table) -> Row[Any]:
    if row is None:
        word = _WORDS[table]
        raise NotFoundError(f"There is no such {word}.", code=f"{word}.not_found")
    return row
