"""Signing in and out: passwords, and the sessions of devices."""

import asyncio
import secrets
from functools import cache
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.access import ClientInfo
from basechat.identity.credentials import SESSION_PREFIX, new_token, revoke_cached, token_hash
from basechat.infra.db import Database
from basechat.infra.redis import Redis
from basechat.infra.redis.ratelimit import RateLimit
from basechat.infra.resources import Resources
from basechat.kit.errors import AuthRequiredError, NotFoundError
from basechat.kit.ids import new_id

_WINDOW_SECONDS = 15 * 60
_CONCURRENT_HASHES = 2  # each takes 64 MiB and a core

_FIND_USER = text("""
    SELECT id, username, email, role, created_at, password_hash FROM users
    WHERE (lower(username) = lower(:name) OR lower(email) = lower(:name)) AND is_active
""")
_OPEN_SESSION = text("""
    INSERT INTO auth_sessions (id, user_id, token_hash, user_agent, address, expires_at)
    SELECT :id, u.id, :hash, :user_agent, :address, now() + make_interval(days => :days)
    FROM users u WHERE u.id = :user_id AND u.is_active AND u.password_hash = :password_hash
    FOR SHARE RETURNING id
""")
_LIST_SESSIONS = text("""
    SELECT id, user_agent, address, created_at, last_seen_at, expires_at FROM auth_sessions
    WHERE user_id = :user_id AND expires_at > now() ORDER BY last_seen_at DESC LIMIT 100
""")
_END_OTHERS = text("""
    DELETE FROM auth_sessions WHERE user_id = :user_id AND id IS DISTINCT FROM :kept RETURNING token_hash
""")


async def sign_in(resources: Resources, name: str, password: str, client: ClientInfo) -> tuple[Row[Any], str]:
    await _count_attempt(resources, name, client)
    async with resources.database.system_transaction() as connection:
        user = (await connection.execute(_FIND_USER, {"name": name})).one_or_none()
    if not await verify_password(password, user.password_hash if user else None) or user is None:
        raise _wrong_credentials()
    await resources.limiter.forget("login", "account", name.lower())
    days = resources.settings.session_days
    async with resources.database.system_transaction() as connection:
        token = await open_session(connection, user.id, user.password_hash, client, days=days)
    return user, token


async def open_session(
    connection: AsyncConnection, user_id: UUID, password_hash: str, client: ClientInfo, *, days: int
) -> str:
    """Store a new session; returns its token.

    Raises `AuthRequiredError` if the password was changed after it was verified: a change of the password
    ends all sessions, also one that is being opened.
    """
    token = new_token(SESSION_PREFIX)
    values = {"id": new_id(), "user_id": user_id, "password_hash": password_hash, "hash": token_hash(token)}
    values |= {"days": days, "user_agent": client.user_agent, "address": client.address}
    if await connection.scalar(_OPEN_SESSION, values) is None:
        raise _wrong_credentials()
    return token


async def list_sessions(connection: AsyncConnection, user_id: UUID) -> list[Row[Any]]:
    return list(await connection.execute(_LIST_SESSIONS, {"user_id": user_id}))


async def end_session(database: Database, state: Redis, user_id: UUID, session_id: UUID) -> None:
    statement = text("DELETE FROM auth_sessions WHERE id = :id AND user_id = :user_id RETURNING token_hash")
    async with database.system_transaction() as connection:
        hashed = await connection.scalar(statement, {"id": session_id, "user_id": user_id})
    if hashed is None:
        raise NotFoundError("This device does not exist.", code="device.not_found")
    await revoke_cached(state, [hashed])


async def end_other_sessions(connection: AsyncConnection, user_id: UUID, kept: UUID | None) -> list[bytes]:
    """Delete the other sessions of a person; returns the hashes for `revoke_cached` after the commit."""
    return list(await connection.scalars(_END_OTHERS, {"user_id": user_id, "kept": kept}))


async def hash_password(password: str) -> str:
    async with _slots():
        return await asyncio.to_thread(_hasher().hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    # Check a password. Without a hash the check takes as long as with one, and fails.
    async with _slots():
        return await asyncio.to_thread(_verify, password, password_hash)


async def _count_attempt(resources: Resources, name: str, client: ClientInfo) -> None:
    settings = resources.settings
    # The address comes first: a refused address must not use up the attempts of an account.
    windows = (
        (settings.login_attempts_per_address, "address", client.address),
        (settings.login_attempts_per_account, "account", name.lower()),
    )
    for attempts, kind, key in windows:
        await resources.limiter.require(
            RateLimit(attempts, _WINDOW_SECONDS),
            "login",
            kind,
            key,
            detail="Too many attempts to sign in. Try again later.",
            code="auth.rate_limited",
        )


def _verify(password: str, password_hash: str | None) -> bool:
    try:
        _hasher().verify(password_hash or _unknown_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _slots() -> asyncio.Semaphore:
    return asyncio.Semaphore(_CONCURRENT_HASHES)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # Argon2id with RFC 9106's second recommended option: 64 MiB, 3 passes


@cache
def _unknown_hash() -> str:
    """A hash to verify where no account exists, so that the duration does not reveal that."""
    return _hasher().hash(secrets.token_urlsafe())


def _wrong_credentials() -> AuthRequiredError:
    return AuthRequiredError("The name or the password is wrong.", code="auth.invalid_credentials")
