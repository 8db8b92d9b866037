"""A transaction of an owner sees only the rows of this owner."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from basechat.infra.db import Database, open_database
from basechat.tables import metadata
from tests.support.databases import as_owner
from tests.support.rows import make_user
from tests.support.stack import Stack

# Known to `basechat_worker` alone: who asks is not known yet when they are read, or is an administrator.
CLOSED = {
    "auth_sessions", "api_tokens", "invitations", "audit_log", "providers", "model_aliases", "budgets", "metrics_hourly"
}  # fmt: skip
# Read without a policy, because `@@` is not leakproof; the owner is a lexeme of `tsv`, and `messages` is joined.
OPEN = {"message_index"}
OWNED = {name: "user_id" if "user_id" in table.c else "owner_id" for name, table in metadata.tables.items()
         if name not in CLOSED | OPEN} | {"users": "id"}  # fmt: skip


@pytest.fixture(scope="module")
async def two(stack: Stack) -> tuple[UUID, UUID]:
    """Two people with rows in every table."""
    return UUID(await make_user(stack.resources.settings)), UUID(await make_user(stack.resources.settings))


@pytest.fixture(scope="module")
async def database(stack: Stack) -> AsyncIterator[Database]:
    """The database as services see it."""
    opened = open_database(stack.resources.settings)
    yield opened
    await opened.close()


async def test_every_table_is_under_row_level_security(stack: Stack) -> None:
    secured = await as_owner(
        stack.resources.settings,
        """SELECT c.relname, EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relrowsecurity""",
    )
    has_policy: dict[str, bool] = {row[0]: row[1] for row in secured}
    assert {name for name in has_policy if has_policy[name]} == OWNED.keys()
    assert {name for name in has_policy if not has_policy[name]} == CLOSED
    assert metadata.tables.keys() - has_policy.keys() == OPEN


@pytest.mark.parametrize("table", sorted(OWNED))
async def test_without_an_owner_no_row_is_visible(database: Database, two: tuple[UUID, UUID], table: str) -> None:
    count = text(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of ours
    async with database.people.connect() as connection:
        assert await connection.scalar(count) == 0
        await connection.execute(text("SELECT set_config('app.owner_id', :id, true)"), {"id": str(two[0])})
        assert await connection.scalar(count)
        await connection.rollback()
        # After the transaction the setting is '', not NULL.
        assert await connection.scalar(count) == 0


@pytest.mark.parametrize("table", sorted(OWNED))
async def test_an_owner_sees_only_own_rows(database: Database, two: tuple[UUID, UUID], table: str) -> None:
    owners = text(f"SELECT DISTINCT {OWNED[table]} FROM {table}")  # noqa: S608 - names of ours
    for owner in two:
        async with database.owner_transaction(owner) as connection:
            assert list(await connection.scalars(owners)) == [owner]
    async with database.system_transaction() as connection:
        assert set(two) <= set(await connection.scalars(owners))


@pytest.mark.parametrize("table", sorted(OWNED.keys() - {"users"}))
async def test_rows_of_other_owners_can_not_be_changed_or_taken(
    database: Database, two: tuple[UUID, UUID], table: str
) -> None:
    mine, theirs = two
    column = OWNED[table]
    async with database.owner_transaction(mine) as connection:
        for change in (f"UPDATE {table} SET {column} = :mine", f"DELETE FROM {table}"):  # noqa: S608
            done = await connection.execute(
                text(f"{change} WHERE {column} = :theirs"), two_values(mine, theirs, change)
            )
            assert done.rowcount == 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.owner_transaction(mine) as connection:
            await connection.execute(text(f"UPDATE {table} SET {column} = :theirs"), {"theirs": theirs})  # noqa: S608


def two_values(mine: UUID, theirs: UUID, statement: str) -> dict[str, UUID]:
    """The values that a statement names."""
    return {"mine": mine, "theirs": theirs} if ":mine" in statement else {"theirs": theirs}


async def test_rows_can_not_be_written_for_other_owners(database: Database, two: tuple[UUID, UUID]) -> None:
    insert = text("INSERT INTO chat_sessions (id, user_id) VALUES (gen_random_uuid(), :owner)")
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.owner_transaction(two[0]) as connection:
            await connection.execute(insert, {"owner": two[1]})


@pytest.mark.parametrize("table", sorted(CLOSED))
async def test_credentials_are_not_readable(database: Database, two: tuple[UUID, UUID], table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.owner_transaction(two[0]) as connection:
            await connection.execute(text(f"SELECT FROM {table}"))


@pytest.mark.parametrize("statement", ["UPDATE users SET role = 'admin'", "DELETE FROM users", "CREATE TABLE t ()"])
async def test_people_can_not_change_their_own_role(database: Database, two: tuple[UUID, UUID], statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.owner_transaction(two[0]) as connection:
            await connection.execute(text(statement))
