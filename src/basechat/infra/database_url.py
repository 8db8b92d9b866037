"""The database's URL, from any form that libpq or a driver accepts, and the URLs of the services' roles."""

import hashlib
import hmac
import re
import secrets
from base64 import b64encode
from typing import Literal
from urllib.parse import unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from basechat.kit.config import ConfigError, Settings

Role = Literal["basechat_app", "basechat_worker", "basechat_read"]
ROLES: tuple[Role, ...] = ("basechat_app", "basechat_worker", "basechat_read")

_SCHEME = re.compile(r"[a-z][a-z0-9+]*://")
# One pair of libpq's form. A backslash escapes the next character, in quotes or without.
_PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^'\\\s]|\\.)+))(?=\s|$)")
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
_KNOWN = frozenset({"user", "password", "host", "port", "dbname", "sslmode"})
# Options of other clients, which BaseChat does not need.
_IGNORED = frozenset({
    "application_name", "channel_binding", "client_encoding", "connect_timeout", "fallback_application_name",
    "gssencmode", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "options",
    "prepared_statement_cache_size", "target_session_attrs", "tcp_user_timeout",
})  # fmt: skip


def owner_url(settings: Settings) -> URL:
    """The owner's URL for asyncpg; raises `ConfigError` for an invalid `DATABASE_URL`."""
    if settings.database_url is None:
        return URL.create(
            "postgresql+asyncpg",
            username=settings.postgres_user,
            password=settings.postgres_password.get_secret_value() or None,
            host=settings.postgres_host if not settings.postgres_host.startswith("/") else None,
            port=settings.postgres_port,
            database=settings.postgres_db,
            query={"host": settings.postgres_host} if settings.postgres_host.startswith("/") else {},
        )
    return parse_database_url(settings.database_url.get_secret_value())


def parse_database_url(text: str) -> URL:
    """Convert a URL, or libpq's `key=value` pairs, to a URL for asyncpg."""
    try:
        options = _of_url(text) if _SCHEME.match(text) else _of_pairs(text)
        return _url(options)
    except (ArgumentError, ValueError):
        raise ConfigError("DATABASE_URL is neither a URL nor libpq's key=value pairs") from None


def role_url(owner: URL, role: Role, secret_key: str) -> URL:
    return owner.set(username=role, password=role_password(role, secret_key))


def role_password(role: Role, secret_key: str) -> str:
    """Derive a role's password, so that a service needs only the owner's URL and `SECRET_KEY`."""
    return hmac.new(secret_key.encode(), f"database-role:{role}".encode(), hashlib.sha256).hexdigest()


def scram_verifier(password: str) -> str:
    """SCRAM-SHA-256 verifier (RFC 5803), which PostgreSQL stores in place of the password."""
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${rounds}:{salt64}${stored64}:{server64}"


def _of_url(text: str) -> dict[str, str]:
    """libpq's options of a URL. Options of its query take precedence, as in libpq."""
    url = make_url(text)
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(f"DATABASE_URL names {url.get_backend_name()}, not PostgreSQL")
    parts = {"user": url.username, "password": url.password, "host": unquote(url.host or ""), "dbname": url.database}
    if url.port is not None:
        parts["port"] = str(url.port)
    query = {"sslmode" if name == "ssl" else name: str(value) for name, value in url.query.items()}
    return {name: value for name, value in parts.items() if value} | query


def _of_pairs(text: str) -> dict[str, str]:
    options, at = {}, 0
    while match := _PAIR.match(text, at):
        options[match[1]] = re.sub(r"\\(.)", r"\1", match[2] if match[2] is not None else match[3])
        at = match.end()
    if not options or text[at:].strip():
        raise ValueError("no pairs")
    return options


def _url(options: dict[str, str]) -> URL:
    """URL of libpq's options. The user must not be in the query, because `role_url` replaces it."""
    if unknown := sorted(options.keys() - _KNOWN - _IGNORED):
        raise ConfigError(f"DATABASE_URL has options that BaseChat can't use: {', '.join(unknown)}")
    host, port, mode = options.get("host"), options.get("port"), options.get("sslmode")
    if mode is not None and mode not in _SSL_MODES:
        raise ConfigError("DATABASE_URL has an unknown sslmode")
    in_socket = host is not None and host.startswith("/")
    query = ({"host": host} if in_socket and host else {}) | ({"ssl": mode} if mode else {})
    return URL.create(
        "postgresql+asyncpg",
        username=options.get("user"),
        password=options.get("password"),
        host=None if in_socket else host,
        port=int(port) if port else None,
        database=options.get("dbname"),
        query=query,
    )
