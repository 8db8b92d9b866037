"""The guide's lines inside the backend's container: the facade `app.*`, and Alembic."""

import pytest

from tests.containers.deployment import MARKS, Deployment

pytestmark = MARKS

CONNECT = """
import asyncio
from app.services.sqlalchemy_service import init_database
asyncio.run(init_database())
print('SQLAlchemy connection successful')
"""
TROUBLE = """
import asyncio
from app.services.sqlalchemy_service import init_database
try:
    asyncio.run(init_database())
    print('SQLAlchemy OK')
except Exception as e:
    print(f'SQLAlchemy Error: {e}')
"""
SCHEMA = """
from app.models.database_models import Base
from app.services.sqlalchemy_service import async_engine
import asyncio

async def check_schema():
    async with async_engine.begin() as conn:
        await conn.run_sync(Base.metadata.create_all)
        print('Schema check completed')

asyncio.run(check_schema())
"""
TABLES = "from app.models.database_models import Base; print(*Base.metadata.tables)"


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        (CONNECT, "SQLAlchemy connection successful"),
        (TROUBLE, "SQLAlchemy OK"),
        (SCHEMA, "Schema check completed"),
    ],
    ids=["connect", "trouble", "schema"],
)
def test_snippets(deployment: Deployment, snippet: str, expected: str) -> None:
    assert deployment.backend(snippet) == f"{expected}\n"


def test_the_schema_has_every_table(deployment: Deployment) -> None:
    assert {"users", "user_preferences", "chat_sessions", "messages", "embeddings"} <= set(
        deployment.backend(TABLES).split()
    )


def test_another_revision_is_told(deployment: Deployment) -> None:
    deployment.sql("UPDATE alembic_version SET version_num = 'other'")
    try:
        assert "SQLAlchemy Error: The database has revision other" in deployment.backend(TROUBLE)
    finally:
        deployment.run("docker exec backend-main-backend-1 alembic stamp --purge head")


@pytest.mark.parametrize(
    ("command", "expected"),
    [("current", "(head)"), ("history", "<base>"), ("upgrade head", ""), ("check", "No new upgrade operations")],
)
def test_alembic(deployment: Deployment, command: str, expected: str) -> None:
    assert expected in deployment.run(f"docker exec backend-main-backend-1 alembic {command}")
