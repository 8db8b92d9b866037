"""API tokens and invitations: shown once, kept as hashes."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from basechat.identity.audit import record
from basechat.identity.caller import Caller
from basechat.identity.credentials import forget_credentials
from basechat.identity.schemas import NewApiToken, NewInvitation
from basechat.identity.secrets import API_TOKEN_PREFIX, INVITATION_PREFIX, new_token, token_hash
from basechat.infra.resources import Resources
from basechat.kit.errors import ForbiddenError, NotFoundError
from basechat.kit.ids import new_id

_COLUMNS = "id, name, scopes, created_at, last_used_at, expires_at"


async def list_api_tokens(resources: Resources, user_id: UUID) -> list[Row[Any]]:
    """Return a person's API tokens, newest first."""
    statement = text(f"SELECT {_COLUMNS} FROM api_tokens WHERE user_id = :id ORDER BY id DESC LIMIT 100")  # noqa: S608
    async with resources.database.system_transaction() as connection:
        return list(await connection.execute(statement, {"id": user_id}))


async def create_api_token(resources: Resources, caller: Caller, body: NewApiToken) -> tuple[Row[Any], str]:
    """Make an API token; returns its row and its text."""
    if "admin" in body.scopes and caller.role != "admin":
        raise ForbiddenError("Only administrators make tokens of scope `admin`.", code="auth.admin_required")
    token = new_token(API_TOKEN_PREFIX)
    statement = text(f"""
        INSERT INTO api_tokens (id, user_id, name, scopes, token_hash, expires_at)
        VALUES (:id, :user_id, :name, :scopes, :hash, :expires_at) RETURNING {_COLUMNS}
    """)  # noqa: S608
    values = {"id": new_id(), "user_id": caller.user_id, "name": body.name, "scopes": sorted(body.scopes)}
    async with resources.database.system_transaction() as connection:
        added = await connection.execute(statement, values | {"hash": token_hash(token), "expires_at": body.expires_at})
        row = added.one()
        await record(connection, "api_token.created", actor_id=caller.user_id, subject=str(row.id))
    return row, token


async def delete_api_token(resources: Resources, user_id: UUID, token_id: UUID) -> None:
    """End an API token at once."""
    statement = text("DELETE FROM api_tokens WHERE id = :id AND user_id = :user_id RETURNING token_hash")
    async with resources.database.system_transaction() as connection:
        hashed = await connection.scalar(statement, {"id": token_id, "user_id": user_id})
        if hashed is None:
            raise NotFoundError("There is no such token.", code="token.not_found")
        await record(connection, "api_token.deleted", actor_id=user_id, subject=str(token_id))
    await forget_credentials(resources.state, [hashed])


async def list_invitations(resources: Resources) -> list[Row[Any]]:
    """Return the invitations, newest first."""
    statement = text("""
        SELECT id, note, created_at, expires_at, used_at FROM invitations ORDER BY id DESC LIMIT 100
    """)
    async with resources.database.system_transaction() as connection:
        return list(await connection.execute(statement))


async def create_invitation(resources: Resources, caller: Caller, body: NewInvitation) -> tuple[Row[Any], str]:
    """Make an invitation; returns its row and its text."""
    token = new_token(INVITATION_PREFIX)
    statement = text("""
        INSERT INTO invitations (id, token_hash, note, created_by, expires_at)
        VALUES (:id, :hash, :note, :created_by, now() + make_interval(days => :days))
        RETURNING id, note, created_at, expires_at, used_at
    """)
    values = {"id": new_id(), "hash": token_hash(token), "created_by": caller.user_id, **body.model_dump()}
    async with resources.database.system_transaction() as connection:
        row = (await connection.execute(statement, values)).one()
        await record(connection, "invitation.created", actor_id=caller.user_id, subject=str(row.id))
    return row, token


async def delete_invitation(resources: Resources, caller: Caller, invitation_id: UUID) -> None:
    """Take an invitation back."""
    statement = text("DELETE FROM invitations WHERE id = :id RETURNING id")
    async with resources.database.system_transaction() as connection:
        if await connection.scalar(statement, {"id": invitation_id}) is None:
            raise NotFoundError("There is no such invitation.", code="invitation.not_found")
        await record(connection, "invitation.deleted", actor_id=caller.user_id, subject=str(invitation_id))
