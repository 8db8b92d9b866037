"""Accounts: who may register, what an account is, and its end."""

import hmac
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.access import Client
from basechat.identity.audit import record
from basechat.identity.caller import Caller
from basechat.identity.credentials import forget_credentials
from basechat.identity.passwords import hash_password, verify_password
from basechat.identity.schemas import Registration
from basechat.identity.secrets import token_hash
from basechat.identity.sign_in import end_other_sessions, open_session
from basechat.infra.ratelimit import Limit
from basechat.infra.resources import Resources
from basechat.kit.config import Settings
from basechat.kit.errors import AppError, AuthRequiredError, ConflictError, ForbiddenError, RateLimitedError
from basechat.kit.ids import new_id

_PER_ADDRESS = Limit(60, 3600)
_CONFIRMATIONS = Limit(10, 15 * 60)
_FIRST_ACCOUNT_LOCK = 4_242_002

_INSERT = text("""
    INSERT INTO users (id, username, email, password_hash, role) VALUES (:id, :username, :email, :password_hash, :role)
    RETURNING id, username, email, role, created_at
""")
_USE_INVITATION = text("""
    UPDATE invitations SET used_by = :user_id, used_at = now()
    WHERE token_hash = :hash AND used_at IS NULL AND expires_at > now() RETURNING id
""")
_IS_INVITED = text("""
    SELECT EXISTS (SELECT FROM invitations WHERE token_hash = :hash AND used_at IS NULL AND expires_at > now())
""")


async def register(resources: Resources, body: Registration, client: Client) -> tuple[Row[Any], str]:
    """Make an account and sign it in; returns the user and the token."""
    seconds = await resources.limiter.try_once(_PER_ADDRESS, "register", client.address)
    if seconds is not None:
        raise RateLimitedError("Too many accounts from this address.", headers={"retry-after": str(seconds)})
    await _check_early(resources, body, client)
    password_hash = await hash_password(body.password)
    try:
        async with resources.database.system_transaction() as connection:
            user = await _insert(connection, body, client, resources.settings, password_hash)
            days = resources.settings.session_days
            token = await open_session(connection, user.id, password_hash, client, days=days)
            await record(connection, "account.registered", actor_id=user.id, address=client.address)
    except IntegrityError as error:
        raise _taken(error) from error
    return user, token


async def get_user(resources: Resources, user_id: UUID) -> Row[Any]:
    """Return a person; raises `AuthRequiredError` if the account is gone."""
    statement = text("SELECT id, username, email, role, created_at FROM users WHERE id = :id")
    async with resources.database.owner_transaction(user_id) as connection:
        user = (await connection.execute(statement, {"id": user_id})).one_or_none()
    if user is None:
        raise AuthRequiredError("This account is gone.")
    return user


async def change_password(resources: Resources, caller: Caller, current: str, new: str, client: Client) -> None:
    """Set another password; every other session of the person ends at once."""
    await _confirm(resources, caller.user_id, current)
    password_hash = await hash_password(new)
    update = text("UPDATE users SET password_hash = :hash, updated_at = now() WHERE id = :id")
    async with resources.database.system_transaction() as connection:
        await connection.execute(update, {"hash": password_hash, "id": caller.user_id})
        ended = await end_other_sessions(connection, caller.user_id, caller.credential_id)
        await record(connection, "account.password_changed", actor_id=caller.user_id, address=client.address)
    await forget_credentials(resources.state, ended)


async def delete_account(resources: Resources, caller: Caller) -> None:
    """Delete a person and all they own; the last administrator of others can't go."""
    alone = text("""
        SELECT role = 'admin' AND EXISTS (SELECT FROM users WHERE id <> :id)
               AND NOT EXISTS (SELECT FROM users WHERE id <> :id AND role = 'admin' AND is_active)
        FROM users WHERE id = :id
    """)
    hashes = text("""
        SELECT token_hash FROM auth_sessions WHERE user_id = :id
        UNION ALL SELECT token_hash FROM api_tokens WHERE user_id = :id
    """)
    who = {"id": caller.user_id}
    async with resources.database.system_transaction() as connection:
        if await connection.scalar(alone, who):
            raise ConflictError("Make somebody else an administrator first.", code="account.last_admin")
        ended = list(await connection.scalars(hashes, who))
        await connection.execute(text("DELETE FROM users WHERE id = :id"), who)
        await record(connection, "account.deleted", subject=str(caller.user_id))
    await forget_credentials(resources.state, ended)


async def _confirm(resources: Resources, user_id: UUID, password: str) -> None:
    seconds = await resources.limiter.try_once(_CONFIRMATIONS, "password", str(user_id))
    if seconds is not None:
        raise RateLimitedError(
            "Too many attempts. Try again later.", code="auth.rate_limited", headers={"retry-after": str(seconds)}
        )
    async with resources.database.system_transaction() as connection:
        known = await connection.scalar(text("SELECT password_hash FROM users WHERE id = :id"), {"id": user_id})
    if not await verify_password(password, known):
        raise ForbiddenError("The current password is wrong.", code="auth.invalid_credentials")


async def _insert(
    connection: AsyncConnection, body: Registration, client: Client, settings: Settings, password_hash: str
) -> Row[Any]:
    user_id = new_id()
    values = {"id": user_id, "username": body.username, "email": body.email, "password_hash": password_hash}
    if not await _has_users(connection):
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _FIRST_ACCOUNT_LOCK})
    if not await _has_users(connection):
        _check_first(body, client, settings)
        return (await connection.execute(_INSERT, values | {"role": "admin"})).one()
    if settings.registration == "closed":
        raise _closed()
    user = (await connection.execute(_INSERT, values | {"role": "user"})).one()
    if settings.registration == "invite":
        used = {"user_id": user_id, "hash": token_hash(body.invitation or "")}
        if await connection.scalar(_USE_INVITATION, used) is None:
            raise _uninvited(body)
    return user


async def _check_early(resources: Resources, body: Registration, client: Client) -> None:
    """Refuse strangers before a password is hashed for them and before they hear which names are taken.

    `_insert` decides.
    """
    settings = resources.settings
    async with resources.database.system_transaction() as connection:
        if not await _has_users(connection):
            _check_first(body, client, settings)
        elif settings.registration == "closed":
            raise _closed()
        elif settings.registration == "invite":
            hashed = token_hash(body.invitation or "")
            if not await connection.scalar(_IS_INVITED, {"hash": hashed}):
                raise _uninvited(body)


async def _has_users(connection: AsyncConnection) -> bool:
    return bool(await connection.scalar(text("SELECT EXISTS (SELECT FROM users)")))


def _check_first(body: Registration, client: Client, settings: Settings) -> None:
    if client.is_loopback:
        return
    expected = settings.setup_token.get_secret_value() if settings.setup_token else ""
    if not expected or not hmac.compare_digest((body.invitation or "").encode(), expected.encode()):
        raise ForbiddenError(
            "The first account is the administrator's: give the set-up token that the start printed as `invitation`.",
            code="auth.setup_token_required",
        )


def _closed() -> AppError:
    return ForbiddenError("Registration is closed.", code="auth.registration_closed")


def _uninvited(body: Registration) -> AppError:
    if body.invitation:
        return ForbiddenError("This invitation is not valid any more.", code="auth.invitation_invalid")
    return ForbiddenError("Registration needs an invitation.", code="auth.invitation_required")


def _taken(error: IntegrityError) -> AppError:
    if "uq_users_email_lower" in str(error.orig):
        return ConflictError("There is an account with this email address.", code="auth.email_taken")
    if "uq_users_username_lower" in str(error.orig):
        return ConflictError("This name is taken.", code="auth.username_taken")
    raise error
