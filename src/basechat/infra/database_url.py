"""The database's address, in any form that libpq or a driver writes, and the URLs of the services' own roles."""

import hashlib
import hmac
import re
from typing import Literal

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from basechat.kit.config import ConfigError, Settings

Role = Literal["basechat_app", "basechat_worker", "basechat_read"]
ROLES: tuple[Role, ...] = ("basechat_app", "basechat_worker", "basechat_read")

_PAIR = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


def owner_url(settings: Settings) -> URL:
    """Return the owner's URL for asyncpg; raises `ConfigError` if `DATABASE_URL` can't be read."""
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
    """Return `text`, a URL or libpq's `key=value` pairs, as a URL for asyncpg."""
    try:
        url = make_url(text) if "://" in text else _from_pairs(text)
    except (ArgumentError, ValueError):
        raise ConfigError("DATABASE_URL is neither a URL nor libpq's key=value pairs") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(f"DATABASE_URL names {url.get_backend_name()}, not PostgreSQL")
    return _with_driver_options(url.set(drivername="postgresql+asyncpg"))


def role_url(owner: URL, role: Role, secret_key: str) -> URL:
    """Return the URL with which a service logs in as its own role."""
    return owner.set(username=role, password=role_password(role, secret_key))


def role_password(role: Role, secret_key: str) -> str:
    """Return a role's password: derived, so that the owner's URL and `SECRET_KEY` are all that a service must know."""
    return hmac.new(secret_key.encode(), f"database-role:{role}".encode(), hashlib.sha256).hexdigest()


def _from_pairs(text: str) -> URL:
    pairs = {key: value.strip("'").replace("\\'", "'") for key, value in _PAIR.findall(text)}
    if not pairs:
        raise ValueError(text)
    host, port = pairs.get("host"), pairs.get("port")
    query = {"host": host} if host and host.startswith("/") else {}
    if "sslmode" in pairs:
        query["sslmode"] = pairs["sslmode"]
    return URL.create(
        "postgresql",
        username=pairs.get("user"),
        password=pairs.get("password"),
        host=None if query.get("host") else host,
        port=int(port) if port else None,
        database=pairs.get("dbname"),
        query=query,
    )


def _with_driver_options(url: URL) -> URL:
    mode = url.query.get("sslmode")
    url = url.difference_update_query(["sslmode", "connect_timeout", "application_name", "target_session_attrs"])
    if mode is None:
        return url
    if mode not in _SSL_MODES:
        raise ConfigError(f"DATABASE_URL has an unknown sslmode: {mode}")
    return url.update_query_dict({"ssl": str(mode)})
