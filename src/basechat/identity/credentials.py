"""Tokens: how they are made, stored and revoked, and the account that a token speaks for."""

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from basechat.infra.db import Database
from basechat.infra.redis import REDIS_ERRORS, Redis, as_bytes
from basechat.kit import json

log = logging.getLogger(__name__)

SCOPES = ("chat", "llm", "mcp", "admin")
Scope = Literal["chat", "llm", "mcp", "admin"]

SESSION_PREFIX = "bcs_"
API_TOKEN_PREFIX = "bct_"  # noqa: S105 - the prefix of a kind of token
INVITATION_PREFIX = "bci_"

CACHED_SECONDS = 300
_REVOKED = b"revoked"
_TOKEN_LENGTHS = range(20, 101)

# A lookup renews a browser session. The cache in front of it makes that at most one renewal in five minutes.
_FIND_SESSION = text("""
    UPDATE auth_sessions AS s SET last_seen_at = now(), expires_at = now() + make_interval(days => :days)
    FROM users AS u
    WHERE s.token_hash = :hash AND s.expires_at > now() AND u.id = s.user_id AND u.is_active
    RETURNING s.id, s.user_id, u.role, s.expires_at
""")
_FIND_TOKEN = text("""
    UPDATE api_tokens AS t SET last_used_at = now()
    FROM users AS u
    WHERE t.token_hash = :hash AND (t.expires_at IS NULL OR t.expires_at > now()) AND u.id = t.user_id AND u.is_active
    RETURNING t.id, t.user_id, u.role, t.scopes, t.expires_at
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An account, and the browser session or API token that speaks for it."""

    user_id: UUID
    role: str
    kind: Literal["session", "token"]
    credential_id: UUID
    scopes: tuple[str, ...]
    expires_at: datetime | None

    def may(self, scope: Scope) -> bool:
        """Whether the credential has the scope. The scope `admin` also needs an administrator's account."""
        return scope in self.scopes and (scope != "admin" or self.role == "admin")


def new_token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """The hash to store. Tokens have 256 random bits, so a plain SHA-256 can't be searched."""
    return hashlib.sha256(token.encode()).digest()


def bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def find_principal(token: str, *, state: Redis, database: Database, session_days: int) -> Principal | None:
    """Find the account of a token: one read from Redis, and one from PostgreSQL if Redis has no entry."""
    if not _is_possible(token):
        return None
    hashed = token_hash(token)
    try:
        cached = await state.get(_key(hashed))
    except REDIS_ERRORS as error:
        log.warning("Redis is unavailable, reading the session from PostgreSQL: %s", error)
        return await _find_row(token, hashed, database, session_days)
    if cached is not None:
        return read_cached(as_bytes(cached))
    principal = await _find_row(token, hashed, database, session_days)
    if principal is not None:
        await _cache(state, hashed, principal)
    return principal


def credential_key(token: str) -> str:
    return _key(token_hash(token))


def read_cached(cached: bytes) -> Principal | None:
    # Decode the value of a token's key; None if the token was revoked.
    return None if cached == _REVOKED else _decode(cached)


async def revoke_cached(state: Redis, hashes: list[bytes]) -> None:
    """Revoke cached tokens at once. Call this after the commit that deleted their rows.

    A mark replaces each entry, because a slow reader could still cache the old row. While Redis is
    unavailable the entries stay; after its return they are valid for at most `CACHED_SECONDS`.
    """
    if not hashes:
        return
    try:
        async with state.pipeline(transaction=False) as pipeline:
            for hashed in hashes:
                pipeline.set(_key(hashed), _REVOKED, ex=CACHED_SECONDS)
            await pipeline.execute()
    except REDIS_ERRORS as error:
        log.error("revoked sessions are still cached in Redis: %s", error)


async def delete_expired_sessions(connection: AsyncConnection) -> None:
    await connection.execute(text("DELETE FROM auth_sessions WHERE expires_at < now()"))


def _is_possible(token: str) -> bool:
    return len(token) in _TOKEN_LENGTHS and token.startswith((SESSION_PREFIX, API_TOKEN_PREFIX))


def _key(hashed: bytes) -> str:
    return f"session:{hashed.hex()}"


async def _find_row(token: str, hashed: bytes, database: Database, session_days: int) -> Principal | None:
    is_session = token.startswith(SESSION_PREFIX)
    async with database.system_transaction() as connection:
        found = (
            await connection.execute(_FIND_SESSION, {"hash": hashed, "days": session_days})
            if is_session
            else await connection.execute(_FIND_TOKEN, {"hash": hashed})
        )
        row = found.one_or_none()
    if row is None:
        return None
    return Principal(
        user_id=row.user_id,
        role=row.role,
        kind="session" if is_session else "token",
        credential_id=row.id,
        scopes=SCOPES if is_session else tuple(row.scopes),
        expires_at=row.expires_at,
    )


async def _cache(state: Redis, hashed: bytes, principal: Principal) -> None:
    """Cache a principal, unless the token was revoked in the meantime (`nx`)."""
    seconds = CACHED_SECONDS
    if principal.expires_at is not None:
        seconds = min(seconds, int((principal.expires_at - datetime.now(UTC)) / timedelta(seconds=1)))
    if seconds <= 0:
        return
    try:
        await state.set(_key(hashed), json.dumps(principal), ex=seconds, nx=True)
    except REDIS_ERRORS as error:
        log.warning("a session could not be cached: %s", error)


def _decode(cached: bytes) -> Principal:
    fields = json.loads(cached)
    return Principal(
        user_id=UUID(fields["user_id"]),
        role=fields["role"],
        kind=fields["kind"],
        credential_id=UUID(fields["credential_id"]),
        scopes=tuple(fields["scopes"]),
        expires_at=datetime.fromisoformat(fields["expires_at"]) if fields["expires_at"] else None,
    )
