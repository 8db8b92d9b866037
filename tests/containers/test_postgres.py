"""The guide's lines for PostgreSQL."""

import asyncpg
import pytest

from tests.containers.client import Client
from tests.containers.deployment import MARKS, Deployment

pytestmark = MARKS

STATEMENTS = [
    r"\dt",
    r"\d users",
    r"\d chat_sessions",
    r"\d messages",
    r"\d user_preferences",
    "SELECT * FROM alembic_version;",
    "SELECT version_num FROM alembic_version;",
    "SELECT COUNT(*) as users_count FROM users;",
    "SELECT COUNT(*) as sessions_count FROM chat_sessions;",
    "SELECT COUNT(*) as messages_count FROM messages;",
    "SELECT u.username, COUNT(cs.id) as session_count FROM users u "
    "LEFT JOIN chat_sessions cs ON u.id = cs.user_id GROUP BY u.id, u.username;",
    "SELECT * FROM pg_extension WHERE extname = 'vector';",
    r"\dT vector",
]
EMBEDDINGS = """CREATE TABLE IF NOT EXISTS embeddings (
    id SERIAL PRIMARY KEY,
    message_id UUID REFERENCES messages(id) ON DELETE CASCADE,
    embedding vector(1536), -- OpenAI embedding dimension
    model_name VARCHAR(100) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP
);"""
INDEX = """CREATE INDEX IF NOT EXISTS idx_embeddings_vector
ON embeddings USING ivfflat (embedding vector_cosine_ops)
WITH (lists = 100);"""
COLUMNS = {
    "users": "id username email password_hash is_active created_at updated_at",
    "user_preferences": "user_id default_model default_temperature max_tokens created_at updated_at",
    "chat_sessions": "id user_id title model_type model_name is_active created_at updated_at",
    "messages": "id session_id role content tokens_used model_used mcp_tools_used meta_info created_at",
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements(deployment: Deployment, statement: str) -> None:
    assert deployment.sql(statement)


@pytest.mark.parametrize("table", COLUMNS)
def test_tables_have_the_guides_columns(deployment: Deployment, table: str) -> None:
    shown = {line.split("|")[0].strip() for line in deployment.sql(rf"\d {table}").splitlines()}
    assert set(COLUMNS[table].split()) <= shown


@pytest.mark.parametrize("statement", [EMBEDDINGS, INDEX], ids=["table", "index"])
def test_making_embeddings_again_is_a_notice(deployment: Deployment, statement: str) -> None:
    assert "already exists, skipping" in deployment.sql(statement)


@pytest.mark.parametrize(
    "line",
    [
        "docker-compose exec postgres pg_isready -U admin",
        "docker-compose exec postgres pg_isready",
        'docker-compose exec postgres psql -U admin -c "SELECT * FROM pg_stat_database;"',
        "docker-compose exec postgres psql -U admin -c \"SELECT pg_size_pretty(pg_database_size('basechat'));\"",
        "docker-compose exec postgres pg_dump -U admin -t alembic_version basechat > alembic_backup.sql",
    ],
)
def test_lines(deployment: Deployment, line: str) -> None:
    deployment.run(line)


def test_backup_and_restore(deployment: Deployment) -> None:
    deployment.run("docker-compose exec postgres pg_dump -U admin basechat > backup.sql")
    deployment.run("docker-compose exec -T postgres psql -U admin basechat < backup.sql")
    deployment.run("docker-compose exec postgres createdb -U admin restored")
    restore = "docker-compose exec -T postgres psql -v ON_ERROR_STOP=1 -U admin {} < backup.sql"
    deployment.run(restore.format("restored"))
    assert "users" in deployment.run(r"docker-compose exec postgres psql -U admin -d restored -c '\dt'")
    deployment.run("docker-compose exec postgres dropdb -U admin restored")


def test_restart_is_clean_and_the_backend_comes_back(deployment: Deployment) -> None:
    deployment.run("docker-compose restart postgres")
    deployment.run("docker-compose up -d --wait")
    logs = deployment.run("docker-compose logs --tail 40 postgres")
    assert "database system is shut down" in logs
    assert "was not properly shut down" not in logs
    assert Client(deployment.web_port).ask("GET", "/api/auth/me")[0] == 401


async def test_from_outside_with_the_password_that_was_made(deployment: Deployment) -> None:
    password = deployment.run("docker-compose exec main-backend cat /run/basechat/secrets/postgres_password").strip()
    address = {"host": "127.0.0.1", "port": deployment.postgres_port, "user": "admin", "database": "basechat"}
    connection = await asyncpg.connect(**address, password=password, timeout=10)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**address, password="another", timeout=10)
