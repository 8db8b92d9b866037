"""Accounts: reading them, their preferences, changing the password, and deleting them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.access import ClientInfo
from basechat.identity.audit import record
from basechat.identity.credentials import Principal, revoke_cached
from basechat.identity.models import UserPreferences
from basechat.identity.sign_in import end_other_sessions, hash_password, verify_password
from basechat.infra.db import Database
from basechat.infra.redis import Redis
from basechat.infra.redis.ratelimit import RateLimit
from basechat.infra.resources import Resources
from basechat.kit.errors import AuthRequiredError, ConflictError, ForbiddenError

_CONFIRMATIONS = RateLimit(10, 15 * 60)

_FIND_ID = text("SELECT id FROM users WHERE id = :id OR lower(username) = lower(:name)")
_FIND_NAMES = text("SELECT id, username FROM users WHERE id = ANY(:ids)")
_IS_LAST_ADMIN = text("""
    SELECT role = 'admin' AND EXISTS (SELECT FROM users WHERE id <> :id)
           AND NOT EXISTS (SELECT FROM users WHERE id <> :id AND role = 'admin' AND is_active)
    FROM users WHERE id = :id
""")
_CREDENTIALS = text("""
    SELECT token_hash FROM auth_sessions WHERE user_id = :id
    UNION ALL SELECT token_hash FROM api_tokens WHERE user_id = :id
""")

_PREFERENCES = ("default_model", "default_temperature", "max_tokens", "locale", "theme", "instructions")
_PREFERENCE_COLUMNS = [getattr(UserPreferences, name) for name in _PREFERENCES]


async def get_user(connection: AsyncConnection, user_id: UUID) -> Row[Any]:
    """Raises `AuthRequiredError` if the account was deleted."""
    statement = text("SELECT id, username, email, role, created_at FROM users WHERE id = :id")
    user = (await connection.execute(statement, {"id": user_id})).one_or_none()
    if user is None:
        raise AuthRequiredError("This account was deleted.")
    return user


async def find_user_id(
    connection: AsyncConnection, *, user_id: UUID | None = None, username: str | None = None
) -> UUID | None:
    found: UUID | None = await connection.scalar(_FIND_ID, {"id": user_id, "name": username})
    return found


async def find_usernames(connection: AsyncConnection, user_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await connection.execute(_FIND_NAMES, {"ids": list(user_ids)})
    return {row.id: row.username for row in rows}


async def get_preferences(connection: AsyncConnection, owner_id: UUID) -> dict[str, Any]:
    # All preferences; None for each field that the person has not set.
    statement = select(*_PREFERENCE_COLUMNS).where(UserPreferences.user_id == owner_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row else dict.fromkeys(_PREFERENCES)


async def change_preferences(connection: AsyncConnection, owner_id: UUID, changes: dict[str, Any]) -> dict[str, Any]:
    statement = insert(UserPreferences).values(user_id=owner_id, **changes)
    statement = statement.on_conflict_do_update(
        index_elements=[UserPreferences.user_id], set_={**changes, "user_id": owner_id}
    )
    return dict((await connection.execute(statement.returning(*_PREFERENCE_COLUMNS))).mappings().one())


async def change_password(resources: Resources, caller: Principal, current: str, new: str, client: ClientInfo) -> None:
    await _confirm(resources, caller.user_id, current)
    password_hash = await hash_password(new)
    update = text("UPDATE users SET password_hash = :hash, updated_at = now() WHERE id = :id")
    async with resources.database.system_transaction() as connection:
        await connection.execute(update, {"hash": password_hash, "id": caller.user_id})
        ended = await end_other_sessions(connection, caller.user_id, caller.credential_id)
        await record(connection, "account.password_changed", actor_id=caller.user_id, address=client.address)
    await revoke_cached(resources.state, ended)


async def delete_account(database: Database, state: Redis, user_id: UUID) -> None:
    # Delete an account and everything it owns. The last administrator can't leave others behind.
    values = {"id": user_id}
    async with database.system_transaction() as connection:
        if await connection.scalar(_IS_LAST_ADMIN, values):
            raise ConflictError("Make another account an administrator first.", code="account.last_admin")
        ended = list(await connection.scalars(_CREDENTIALS, values))
        await connection.execute(text("DELETE FROM users WHERE id = :id"), values)
        await record(connection, "account.deleted", subject=str(user_id))
    await revoke_cached(state, ended)


async def _confirm(resources: Resources, user_id: UUID, password: str) -> None:
    await resources.limiter.require(
        _CONFIRMATIONS,
        "password",
        str(user_id),
        detail="Too many attempts. Try again later.",
        code="auth.rate_limited",
    )
    async with resources.database.system_transaction() as connection:
        stored = await connection.scalar(text("SELECT password_hash FROM users WHERE id = :id"), {"id": user_id})
    if not await verify_password(password, stored):
        raise ForbiddenError("The current password is wrong.", code="auth.invalid_credentials")
