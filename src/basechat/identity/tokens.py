"""API tokens and invitations: shown once, stored as hashes."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.audit import record
from basechat.identity.credentials import (
    API_TOKEN_PREFIX,
    INVITATION_PREFIX,
    Principal,
    new_token,
    revoke_cached,
    token_hash,
)
from basechat.identity.schemas import NewApiToken, NewInvitation
from basechat.infra.db import Database
from basechat.infra.redis import Redis
from basechat.kit.errors import ForbiddenError, NotFoundError
from basechat.kit.ids import new_id

_COLUMNS = "id, name, scopes, created_at, last_used_at, expires_at"
_LIST_TOKENS = text(f"SELECT {_COLUMNS} FROM api_tokens WHERE user_id = :id ORDER BY id DESC LIMIT 100")  # noqa: S608
_INSERT_TOKEN = text(f"""
    INSERT INTO api_tokens (id, user_id, name, scopes, token_hash, expires_at)
    VALUES (:id, :user_id, :name, :scopes, :hash, :expires_at) RETURNING {_COLUMNS}
""")  # noqa: S608 - composed of a constant
_FIND_TOKEN_NAMES = text("SELECT id, name FROM api_tokens WHERE id = ANY(:ids)")
_LIST_INVITATIONS = text("""
    SELECT id, note, created_at, expires_at, used_at FROM invitations ORDER BY id DESC LIMIT 100
""")
_INSERT_INVITATION = text("""
    INSERT INTO invitations (id, token_hash, note, created_by, expires_at)
    VALUES (:id, :hash, :note, :created_by, now() + make_interval(days => :days))
    RETURNING id, note, created_at, expires_at, used_at
""")


async def list_api_tokens(connection: AsyncConnection, user_id: UUID) -> list[Row[Any]]:
    return list(await connection.execute(_LIST_TOKENS, {"id": user_id}))


async def find_token_names(connection: AsyncConnection, token_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await connection.execute(_FIND_TOKEN_NAMES, {"ids": list(token_ids)})
    return {row.id: row.name for row in rows}


async def create_api_token(database: Database, caller: Principal, body: NewApiToken) -> tuple[Row[Any], str]:
    if "admin" in body.scopes and caller.role != "admin":
        raise ForbiddenError("Only administrators can create tokens of scope `admin`.", code="auth.admin_required")
    token = new_token(API_TOKEN_PREFIX)
    values = {"id": new_id(), "user_id": caller.user_id, "name": body.name, "scopes": sorted(body.scopes)}
    values |= {"hash": token_hash(token), "expires_at": body.expires_at}
    async with database.system_transaction() as connection:
        row = (await connection.execute(_INSERT_TOKEN, values)).one()
        await record(connection, "api_token.created", actor_id=caller.user_id, subject=str(row.id))
    return row, token


async def delete_api_token(database: Database, state: Redis, user_id: UUID, token_id: UUID) -> None:
    statement = text("DELETE FROM api_tokens WHERE id = :id AND user_id = :user_id RETURNING token_hash")
    async with database.system_transaction() as connection:
        hashed = await connection.scalar(statement, {"id": token_id, "user_id": user_id})
        if hashed is None:
            raise NotFoundError("This token does not exist.", code="token.not_found")
        await record(connection, "api_token.deleted", actor_id=user_id, subject=str(token_id))
    await revoke_cached(state, [hashed])


async def list_invitations(connection: AsyncConnection) -> list[Row[Any]]:
    return list(await connection.execute(_LIST_INVITATIONS))


async def create_invitation(database: Database, caller: Principal, body: NewInvitation) -> tuple[Row[Any], str]:
    token = new_token(INVITATION_PREFIX)
    values = {"id": new_id(), "hash": token_hash(token), "created_by": caller.user_id, **body.model_dump()}
    async with database.system_transaction() as connection:
        row = (await connection.execute(_INSERT_INVITATION, values)).one()
        await record(connection, "invitation.created", actor_id=caller.user_id, subject=str(row.id))
    return row, token


async def delete_invitation(database: Database, caller: Principal, invitation_id: UUID) -> None:
    statement = text("DELETE FROM invitations WHERE id = :id RETURNING id")
    async with database.system_transaction() as connection:
        if await connection.scalar(statement, {"id": invitation_id}) is None:
            raise NotFoundError("This invitation does not exist.", code="invitation.not_found")
        await record(connection, "invitation.deleted", actor_id=caller.user_id, subject=str(invitation_id))
