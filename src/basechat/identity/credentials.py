"""From a token to its caller: one Redis read; the row in PostgreSQL where Redis does not know."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import text

from basechat.identity.caller import SCOPES, Caller
from basechat.identity.secrets import API_TOKEN_PREFIX, SESSION_PREFIX, token_hash
from basechat.infra.db import Database
from basechat.infra.redis import REDIS_ERRORS, as_bytes
from basechat.kit import json

log = logging.getLogger(__name__)

CACHED_SECONDS = 300
_REVOKED = b"revoked"
_TOKEN_LENGTHS = range(20, 101)

# Being looked up renews a browser session, at most every five minutes.
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


async def find_caller(token: str, *, state: Redis, database: Database, session_days: int) -> Caller | None:
    """Return who a token speaks for, or None if it is nobody's."""
    if not _is_possible(token):
        return None
    hashed = token_hash(token)
    try:
        cached = await state.get(_key(hashed))
    except REDIS_ERRORS as error:
        log.warning("sessions are read from PostgreSQL: %s", error)
        return await _find_row(token, hashed, database, session_days)
    if cached is not None:
        return read_cached(as_bytes(cached))
    caller = await _find_row(token, hashed, database, session_days)
    if caller is not None:
        await _remember(state, hashed, caller)
    return caller


def credential_key(token: str) -> str:
    """Return the key in redis-state under which it stands, if it is cached, whom a token speaks for."""
    return _key(token_hash(token))


def read_cached(cached: bytes) -> Caller | None:
    """Return the caller that stands under a token's key, or None where the token was revoked."""
    return None if cached == _REVOKED else _from_cache(cached)


async def forget_credentials(state: Redis, hashes: list[bytes]) -> None:
    """Make revoked tokens worthless at once.

    A mark stays where the cached caller was, for as long as a copy could still be on its way into the
    cache. With Redis away a cached caller lives on for at most `CACHED_SECONDS` after Redis is back.
    """
    if not hashes:
        return
    try:
        async with state.pipeline(transaction=False) as pipeline:
            for hashed in hashes:
                pipeline.set(_key(hashed), _REVOKED, ex=CACHED_SECONDS)
            await pipeline.execute()
    except REDIS_ERRORS as error:
        log.error("revoked sessions could not be told to Redis: %s", error)


def _is_possible(token: str) -> bool:
    return len(token) in _TOKEN_LENGTHS and token.startswith((SESSION_PREFIX, API_TOKEN_PREFIX))


def _key(hashed: bytes) -> str:
    return f"session:{hashed.hex()}"


async def _find_row(token: str, hashed: bytes, database: Database, session_days: int) -> Caller | None:
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
    return Caller(
        user_id=row.user_id,
        role=row.role,
        kind="session" if is_session else "token",
        credential_id=row.id,
        scopes=SCOPES if is_session else tuple(row.scopes),
        expires_at=row.expires_at,
    )


async def _remember(state: Redis, hashed: bytes, caller: Caller) -> None:
    """Cache a caller, unless a mark says that the token was revoked meanwhile."""
    seconds = CACHED_SECONDS
    if caller.expires_at is not None:
        seconds = min(seconds, int((caller.expires_at - datetime.now(UTC)) / timedelta(seconds=1)))
    if seconds <= 0:
        return
    try:
        await state.set(_key(hashed), json.dumps(caller), ex=seconds, nx=True)
    except REDIS_ERRORS as error:
        log.warning("a session could not be cached: %s", error)


def _from_cache(cached: bytes) -> Caller:
    said = json.loads(cached)
    return Caller(
        user_id=UUID(said["user_id"]),
        role=said["role"],
        kind=said["kind"],
        credential_id=UUID(said["credential_id"]),
        scopes=tuple(said["scopes"]),
        expires_at=datetime.fromisoformat(said["expires_at"]) if said["expires_at"] else None,
    )
