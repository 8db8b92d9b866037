"""The database by the operations guide's names: an engine, and a check that it is reached and up to date."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from basechat.infra.database_url import owner_url
from basechat.infra.migrate import SchemaError, head_revision
from basechat.kit.config import load_settings

# The owner's, as the guide's snippets define tables with it. No pool: each snippet is an event loop of its own,
# and a connection belongs to the loop that opened it.
async_engine = create_async_engine(owner_url(load_settings()), poolclass=NullPool)


async def init_database() -> None:
    """Make a round trip and check the revision; raises `SchemaError`. Nothing is changed: main-backend migrates."""
    async with async_engine.connect() as connection:
        current = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    if current != head_revision():
        raise SchemaError(f"The database has revision {current}, this version needs {head_revision()}")


__all__ = ["async_engine", "init_database"]
