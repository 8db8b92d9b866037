"""Separate databases on the shared server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from basechat.embedded.servers import postgres
from basechat.infra.database_url import owner_url
from basechat.kit.config import Settings
from tests.support.stack import Servers


@asynccontextmanager
async def own_database(servers: Servers, **changes: Any) -> AsyncIterator[Settings]:
    """Create an empty database, yield the settings of services on it, and drop it at the end."""
    name = f"test_{uuid4().hex}"
    await as_owner(servers.settings(), f"CREATE DATABASE {name}")
    try:
        yield servers.settings(database_url=postgres.url(servers.layout, name), **changes)
    finally:
        await as_owner(servers.settings(), f"DROP DATABASE {name} WITH (FORCE)")


async def as_owner(settings: Settings, *statements: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run statements as the database's owner, each at once; returns the rows of the last one."""
    engine = create_async_engine(owner_url(settings), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements:
                result = await connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        await engine.dispose()
