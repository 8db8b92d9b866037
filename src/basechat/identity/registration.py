"""Registration: the first account by the set-up token, later ones as `REGISTRATION` allows."""

import hmac
import logging
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.access import ClientInfo
from basechat.identity.audit import record
from basechat.identity.credentials import token_hash
from basechat.identity.schemas import Registration
from basechat.identity.sign_in import hash_password, open_session
from basechat.identity.sql import HAS_ACCOUNTS
from basechat.infra.db import Database
from basechat.infra.redis.ratelimit import RateLimit
from basechat.infra.resources import Resources
from basechat.kit.config import Settings
from basechat.kit.errors import AppError, ConflictError, ForbiddenError
from basechat.kit.ids import new_id

log = logging.getLogger(__name__)

_PER_ADDRESS = RateLimit(60, 3600)
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


async def register(resources: Resources, body: Registration, client: ClientInfo) -> tuple[Row[Any], str]:
    await resources.limiter.require(
        _PER_ADDRESS, "register", client.address, detail="Too many accounts from this address. Try again later."
    )
    settings = resources.settings
    async with resources.database.system_transaction() as connection:
        await _check_early(connection, body, client, settings)
    password_hash = await hash_password(body.password)
    try:
        async with resources.database.system_transaction() as connection:
            user = await _insert(connection, body, client, settings, password_hash)
            token = await open_session(connection, user.id, password_hash, client, days=settings.session_days)
            await record(connection, "account.registered", actor_id=user.id, address=client.address)
    except IntegrityError as error:
        raise _name_conflict(error) from error
    return user, token


async def log_setup_token(database: Database, settings: Settings) -> None:
    # Log the set-up token while there is no account. It is useless afterwards.
    token = settings.setup_token
    async with database.system_transaction() as connection:
        if token is None or await _has_users(connection):
            return
    log.warning(
        "There is no account yet. The first account becomes the administrator. To register from another machine, "
        "enter this set-up token as invitation: %s",
        token.get_secret_value(),
    )


async def _check_early(connection: AsyncConnection, body: Registration, client: ClientInfo, settings: Settings) -> None:
    """Refuse strangers before a password is hashed and before an error reveals which names are taken.

    `_insert` decides.
    """
    if not await _has_users(connection):
        _check_first(body, client, settings)
    elif settings.registration == "closed":
        raise _closed()
    elif settings.registration == "invite":
        hashed = token_hash(body.invitation or "")
        if not await connection.scalar(_IS_INVITED, {"hash": hashed}):
            raise _invitation_error(body)


async def _insert(
    connection: AsyncConnection, body: Registration, client: ClientInfo, settings: Settings, password_hash: str
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
            raise _invitation_error(body)
    return user


async def _has_users(connection: AsyncConnection) -> bool:
    return bool(await connection.scalar(text(HAS_ACCOUNTS)))


def _check_first(body: Registration, client: ClientInfo, settings: Settings) -> None:
    if client.is_loopback:
        return
    expected = settings.setup_token.get_secret_value() if settings.setup_token else ""
    if not expected or not hmac.compare_digest((body.invitation or "").encode(), expected.encode()):
        raise ForbiddenError(
            "The first account becomes the administrator. Enter the set-up token as `invitation`: "
            "BaseChat prints it when it starts.",
            code="auth.setup_token_required",
        )


def _closed() -> AppError:
    return ForbiddenError("Registration is closed.", code="auth.registration_closed")


def _invitation_error(body: Registration) -> AppError:
    if body.invitation:
        return ForbiddenError("This invitation is used, expired or wrong.", code="auth.invitation_invalid")
    return ForbiddenError("Registration needs an invitation.", code="auth.invitation_required")


def _name_conflict(error: IntegrityError) -> AppError:
    if "uq_users_email_lower" in str(error.orig):
        return ConflictError("An account with this email address exists.", code="auth.email_taken")
    if "uq_users_username_lower" in str(error.orig):
        return ConflictError("This name is taken.", code="auth.username_taken")
    raise error
