"""Migrates the schema under an advisory lock."""

import logging

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from basechat.infra.database_url import ROLES, owner_url, role_password, scram_verifier
from basechat.infra.schema import SCRIPTS, SchemaError, head_revision
from basechat.kit.config import Settings

log = logging.getLogger(__name__)

_LOCK = 4_242_001  # a number that no other program on the server locks


def alembic_config(connection: Connection | None = None) -> Config:
    # Alembic's configuration, for a connection or for the database of the settings.
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


async def upgrade(settings: Settings) -> None:
    """Migrate to the newest revision, and let the roles of the services log in. One process at a time does this."""
    engine = create_async_engine(owner_url(settings), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
            await connection.commit()
            try:
                await connection.run_sync(_upgrade)
                await _open_roles(connection, settings.secret_key.get_secret_value())
            finally:
                await connection.rollback()
                await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    current, head = MigrationContext.configure(connection).get_current_revision(), head_revision()
    connection.rollback()
    if current == head:
        return
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaError(
            f"The database has schema {current}, which this version does not know: a newer BaseChat created it. "
            "Start that version again, or restore a backup of this one."
        )
    log.info("migrating the schema from %s to %s", current, head)
    command.upgrade(alembic_config(connection), "head")


async def _open_roles(connection: AsyncConnection, secret_key: str) -> None:
    """Let the roles log in. The server and its log see only verifiers of their passwords."""
    for role in ROLES:
        verifier = scram_verifier(role_password(role, secret_key))
        await connection.exec_driver_sql(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier}'")
    await connection.commit()
