"""Alembic's environment. It uses the connection in its attributes, else the owner's URL of the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from basechat.infra.database_url import owner_url
from basechat.kit.config import load_settings
from basechat.tables import metadata

OWN_SCHEMAS = {None, "public"}


def _is_ours(name: str | None, kind: str, parents: object) -> bool:
    """The tables of checkpoints, in the schema `agent`, have no models."""
    return kind != "schema" or name in OWN_SCHEMAS


def _migrate(connection: Connection) -> None:
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SET statement_timeout = '10min'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=_is_ours,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _from_settings() -> None:
    engine = create_async_engine(owner_url(load_settings()), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(_from_settings())
else:
    _migrate(given)
