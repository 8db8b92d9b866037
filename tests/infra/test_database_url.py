"""`DATABASE_URL` is understood in every form that libpq or a driver writes."""

import pytest
from sqlalchemy import URL
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from basechat.infra.database_url import owner_url, parse_database_url, role_url
from basechat.kit.config import ConfigError, Settings

PASSWORD = "p@ss:w/rd% '\\"
QUOTED = "p%40ss%3Aw%2Frd%25%20%27%5C"
FULL = {"user": "admin", "password": PASSWORD, "host": "db", "port": 5433, "database": "chat"}
SOCKET = {"user": "admin", "host": "/run/pg", "database": "chat"}


def _connects(text: str) -> dict[str, object]:
    """What asyncpg is called with."""
    return _options(parse_database_url(text))


def _options(url: URL) -> dict[str, object]:
    options: dict[str, object] = dialect().create_connect_args(url)[1]  # type: ignore[no-untyped-call]
    return options


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"postgres://admin:{QUOTED}@db:5433/chat", FULL),
        (f"postgresql://admin:{QUOTED}@db:5433/chat", FULL),
        (f"postgresql+asyncpg://admin:{QUOTED}@db:5433/chat", FULL),
        (f"postgresql+psycopg://admin:{QUOTED}@db:5433/chat", FULL),
        (f"postgresql+psycopg2://admin:{QUOTED}@db:5433/chat", FULL),
        (f"postgresql://db:5433/chat?user=admin&password={QUOTED}", FULL),
        (r"host=db port=5433 dbname=chat user=admin password='p@ss:w/rd% \'\\'", FULL),
        (r"host = 'db' port = 5433 dbname = chat user=admin password=p@ss:w/rd%\ \'\\", FULL),
        ("postgresql://admin@/chat?host=/run/pg", SOCKET),
        ("postgresql:///chat?host=/run/pg&user=admin", SOCKET),
        ("postgresql://admin@%2Frun%2Fpg/chat", SOCKET),
        ("host=/run/pg dbname=chat user=admin", SOCKET),
        ("postgresql://admin@/chat?host=/run/pg&port=5433", SOCKET | {"port": 5433}),
        ("host=/run/pg port=5433 dbname=chat user=admin", SOCKET | {"port": 5433}),
        ("postgresql://[::1]:5433/chat", {"host": "::1", "port": 5433, "database": "chat"}),
        ("postgresql://db/chat?sslmode=require", {"host": "db", "database": "chat", "ssl": "require"}),
        ("postgresql://db/chat?ssl=require", {"host": "db", "database": "chat", "ssl": "require"}),
        ("host=db dbname=chat sslmode=verify-full", {"host": "db", "database": "chat", "ssl": "verify-full"}),
        (
            "postgresql://db/chat?sslmode=require&channel_binding=require&connect_timeout=5&application_name=x",
            {"host": "db", "database": "chat", "ssl": "require"},
        ),
    ],
)
def test_every_form_reaches_the_driver(text: str, expected: dict[str, object]) -> None:
    assert _connects(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "host='db",
        "mysql://admin:s3cret@db/chat",
        "postgresql://admin:s3cret@db:port/chat",
        "host=db port=s3cret",
        "postgresql://admin:s3cret@db/chat?sslmode=s3cret-mode",
        "postgresql://admin:s3cret@db/chat?sslrootcrt=s3cret",
        "host=db pasword=s3cret",
    ],
)
def test_an_invalid_url_is_refused_without_revealing_secrets(text: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL") as refused:
        parse_database_url(text)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "text",
    ["postgresql://admin:secret@db/chat", "postgresql://db/chat?user=admin&password=secret", "host=db user=admin"],
)
def test_a_service_logs_in_as_its_own_role_whatever_the_form(text: str) -> None:
    options = _options(role_url(parse_database_url(text), "basechat_app", "s" * 32))
    assert options["user"] == "basechat_app"
    assert options["password"] not in {"secret", None}


def test_without_database_url_its_parts_count() -> None:
    parts = {"postgres_host": "db", "postgres_port": 5433, "postgres_db": "chat", "postgres_password": PASSWORD}
    settings = Settings(_env_file=None, secret_key="s" * 32, **parts)  # type: ignore[arg-type]
    assert _options(owner_url(settings)) == FULL


def test_the_host_may_be_the_folder_of_a_socket() -> None:
    settings = Settings(_env_file=None, secret_key="s" * 32, postgres_host="/run/pg", postgres_db="chat")
    assert _options(owner_url(settings)) == SOCKET | {"port": 5432}
