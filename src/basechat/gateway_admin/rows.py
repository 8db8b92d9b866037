"""Rows of providers and aliases. Each function is part of the caller's transaction."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.kit.errors import ConflictError, NotFoundError
from basechat.llm.models import ModelAlias, StoredProvider

Table = type[StoredProvider] | type[ModelAlias]

_NOUNS: Mapping[Table, str] = {StoredProvider: "provider", ModelAlias: "alias"}


async def list_rows(connection: AsyncConnection, table: Table) -> list[Row[Any]]:
    statement = select(*table.__table__.columns).order_by(table.created_at, table.id)
    return list(await connection.execute(statement))


async def get_row(connection: AsyncConnection, table: Table, row_id: UUID, *, lock: bool = False) -> Row[Any]:
    """Raises `NotFoundError`. A lock holds until the transaction ends."""
    statement = select(*table.__table__.columns).where(table.id == row_id)
    found = await connection.execute(statement.with_for_update() if lock else statement)
    return _require(found.one_or_none(), table)


async def create_row(connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> Row[Any]:
    """Raises `ConflictError` if the name is taken."""
    statement = insert(table).values(**values).returning(*table.__table__.columns)
    try:
        return (await connection.execute(statement)).one()
    except IntegrityError as error:
        raise name_taken(table) from error


async def change_row(connection: AsyncConnection, table: Table, row_id: UUID, values: Mapping[str, Any]) -> Row[Any]:
    """Raises `NotFoundError`, and `ConflictError` if the name is taken."""
    statement = update(table).where(table.id == row_id).values(**values).returning(*table.__table__.columns)
    try:
        return _require((await connection.execute(statement)).one_or_none(), table)
    except IntegrityError as error:
        raise name_taken(table) from error


async def delete_row(connection: AsyncConnection, table: Table, row_id: UUID) -> str:
    """Delete a row and return its name; raises `NotFoundError`."""
    statement = delete(table).where(table.id == row_id).returning(table.name)
    name: str = _require((await connection.execute(statement)).one_or_none(), table).name
    return name


def name_taken(table: Table) -> ConflictError:
    noun = _NOUNS[table]
    return ConflictError(f"Another {noun} has this name.", code=f"{noun}.name_taken")


def _require(row: Row[Any] | None, table: Table) -> Row[Any]:
    if row is None:
        noun = _NOUNS[table]
        raise NotFoundError(f"This {noun} does not exist.", code=f"{noun}.not_found")
    return row
