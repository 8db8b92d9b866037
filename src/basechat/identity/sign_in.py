"""Signing in and out: sessions as rows, attempts limited per account and per address."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.access import Client
from basechat.identity.credentials import forget_credentials
from basechat.identity.passwords import verify_password
from basechat.identity.secrets import SESSION_PREFIX, new_token, token_hash
from basechat.infra.ratelimit import Limit
from basechat.infra.resources import Resources
from basechat.kit.errors import AuthRequiredError, NotFoundError, RateLimitedError
from basechat.kit.ids import new_id

_WINDOW_SECONDS = 15 * 60

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


async def sign_in(resources: Resources, name: str, password: str, client: Client) -> tuple[Row[Any], str]:
    """Return the user and a new token; raises `AuthRequiredError` or `RateLimitedError`."""
    settings, limiter = resources.settings, resources.limiter
    # The address first: one that is refused must not use up the attempts of accounts.
    windows = (
        (Limit(settings.login_attempts_per_address, _WINDOW_SECONDS), "address", client.address),
        (Limit(settings.login_attempts_per_account, _WINDOW_SECONDS), "account", name.lower()),
    )
    for limit, kind, key in windows:
        seconds = await limiter.try_once(limit, "login", kind, key)
        if seconds is not None:
            raise RateLimitedError(
                "Too many attempts to sign in. Try again later.",
                code="auth.rate_limited",
                headers={"retry-after": str(seconds)},
            )
    async with resources.database.system_transaction() as connection:
        user = (await connection.execute(_FIND_USER, {"name": name})).one_or_none()
    if not await verify_password(password, user.password_hash if user else None) or user is None:
        raise _wrong()
    await limiter.forget("login", "account", name.lower())
    async with resources.database.system_transaction() as connection:
        token = await open_session(connection, user.id, user.password_hash, client, days=settings.session_days)
    return user, token


async def open_session(
    connection: AsyncConnection, user_id: UUID, password_hash: str, client: Client, *, days: int
) -> str:
    """Store a new session and return its token.

    Raises `AuthRequiredError` if the password that was verified is not the account's any more: a change of the
    password ends all sessions, also the one that is just being opened.
    """
    token = new_token(SESSION_PREFIX)
    values = {"id": new_id(), "user_id": user_id, "password_hash": password_hash, "hash": token_hash(token)}
    values |= {"days": days, "user_agent": client.user_agent, "address": client.address}
    if await connection.scalar(_OPEN_SESSION, values) is None:
        raise _wrong()
    return token


async def list_sessions(resources: Resources, user_id: UUID) -> list[Row[Any]]:
    """Return a person's sessions that have not ended, the one used last first."""
    statement = text("""
        SELECT id, user_agent, address, created_at, last_seen_at, expires_at FROM auth_sessions
        WHERE user_id = :user_id AND expires_at > now() ORDER BY last_seen_at DESC LIMIT 100
    """)
    async with resources.database.system_transaction() as connection:
        return list(await connection.execute(statement, {"user_id": user_id}))


async def end_session(resources: Resources, user_id: UUID, session_id: UUID) -> None:
    """End one session of a person at once; raises `NotFoundError` if it is not theirs."""
    statement = text("DELETE FROM auth_sessions WHERE id = :id AND user_id = :user_id RETURNING token_hash")
    async with resources.database.system_transaction() as connection:
        hashed = await connection.scalar(statement, {"id": session_id, "user_id": user_id})
    if hashed is None:
        raise NotFoundError("There is no such device.", code="device.not_found")
    await forget_credentials(resources.state, [hashed])


async def end_other_sessions(connection: AsyncConnection, user_id: UUID, kept: UUID | None) -> list[bytes]:
    """Delete a person's sessions but one; returns what `forget_credentials` must hear after the commit."""
    statement = text("""
        DELETE FROM auth_sessions WHERE user_id = :user_id AND id IS DISTINCT FROM :kept RETURNING token_hash
    """)
    return list(await connection.scalars(statement, {"user_id": user_id, "kept": kept}))


def _wrong() -> AuthRequiredError:
    return AuthRequiredError("The name or the password is wrong.", code="auth.invalid_credentials")
