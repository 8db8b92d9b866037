"""The schema migrates up, down and up again on rows, and equals the models."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from basechat.infra.database_url import owner_url
from basechat.infra.db import open_database
from basechat.infra.migrate import alembic_config, upgrade
from basechat.infra.schema import SchemaError, head_revision, wait_for_schema
from basechat.kit.config import Settings
from basechat.tables import metadata
from tests.support.databases import as_owner, own_database
from tests.support.rows import make_user
from tests.support.stack import Servers

_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
_SHAPE = """
    SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
    WHERE table_schema = 'public'
    UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT tablename, policyname, qual, with_check, '' FROM pg_policies
    UNION ALL SELECT table_name, grantee, privilege_type, '', '' FROM information_schema.role_table_grants
    WHERE table_schema = 'public'
    ORDER BY 1, 2, 3
"""


@pytest.fixture
async def empty(servers: Servers) -> AsyncIterator[Settings]:
    """A database with nothing in it."""
    async with own_database(servers) as settings:
        yield settings


async def test_up_down_and_up_again_on_rows(empty: Settings) -> None:
    await upgrade(empty)
    shape = await as_owner(empty, _SHAPE)
    for _ in range(2):
        await make_user(empty)
    assert (await as_owner(empty, "SELECT count(*) FROM messages"))[0][0] == 4
    await _on_owner_connection(empty, lambda connection: command.downgrade(alembic_config(connection), "base"))
    assert (await as_owner(empty, _TABLES))[0][0] == 0
    await upgrade(empty)
    assert await as_owner(empty, _SHAPE) == shape
    await make_user(empty)


async def test_the_upgraded_schema_equals_the_models(empty: Settings) -> None:
    await upgrade(empty)

    def check(connection: Connection) -> None:
        command.check(alembic_config(connection))

    await _on_owner_connection(empty, check)
    assert (await as_owner(empty, _TABLES))[0][0] == len(metadata.tables)


async def test_upgrading_again_keeps_all_rows(empty: Settings) -> None:
    await upgrade(empty)
    user = await make_user(empty)
    await upgrade(empty)
    assert (await as_owner(empty, "SELECT id FROM users"))[0][0].hex == user.replace("-", "")


async def test_upgrades_at_once_wait_for_each_other(empty: Settings) -> None:
    await asyncio.gather(*(upgrade(empty) for _ in range(4)))
    assert [row[0] for row in await as_owner(empty, "SELECT version_num FROM alembic_version")] == [head_revision()]


async def test_a_newer_schema_is_refused_and_left_alone(empty: Settings) -> None:
    await upgrade(empty)
    await as_owner(empty, "UPDATE alembic_version SET version_num = '29991231_01'")
    with pytest.raises(SchemaError, match=r"29991231_01.*newer BaseChat"):
        await upgrade(empty)
    assert (await as_owner(empty, "SELECT version_num FROM alembic_version"))[0][0] == "29991231_01"


async def test_services_wait_for_the_schema(empty: Settings) -> None:
    database = open_database(empty)
    try:
        waiting = asyncio.create_task(wait_for_schema(database.system, timeout=20))
        await upgrade(empty)
        await waiting
    finally:
        await database.close()


@pytest.mark.parametrize("lacking", ["schema", "database", "server"])
async def test_waiting_for_the_schema_is_bounded(empty: Settings, lacking: str) -> None:
    url = empty.database_url.get_secret_value() if empty.database_url else ""
    wrong = {"schema": url, "database": url.replace("/test_", "/none_"), "server": "postgresql:///x?host=/nowhere"}
    database = open_database(Settings(_env_file=None, secret_key="s" * 32, database_url=wrong[lacking]))
    try:
        with pytest.raises(SchemaError, match=head_revision()):
            await wait_for_schema(database.system, timeout=0.3)
    finally:
        await database.close()


async def _on_owner_connection(settings: Settings, do: Callable[[Connection], None]) -> None:
    """Run `do` on a connection of the database's owner."""
    engine = create_async_engine(owner_url(settings), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(do)
    finally:
        await engine.dispose()
