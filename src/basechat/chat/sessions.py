"""Chats: list, create, change, delete and restore."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.models import ChatSession
from basechat.kit.errors import FieldError, InvalidRequestError, NotFoundError
from basechat.kit.ids import new_id

RESTORABLE = text("interval '10 minutes'")

_COLUMNS = [
    getattr(ChatSession, name)
    for name in (
        "id", "title", "model_type", "model_name", "is_active", "pinned", "temporary", "instructions",
        "tools", "active_leaf_id", "created_at", "updated_at",
    )
]  # fmt: skip


async def list_chats(
    connection: AsyncConnection, owner_id: UUID, *, limit: int, cursor: str | None
) -> tuple[list[Row[Any]], str | None]:
    statement = (
        select(*_COLUMNS)
        .where(ChatSession.user_id == owner_id, ChatSession.is_active)
        .order_by(ChatSession.updated_at.desc(), ChatSession.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        statement = statement.where(tuple_(ChatSession.updated_at, ChatSession.id) < tuple_(*_read_cursor(cursor)))
    rows = list(await connection.execute(statement))
    page = rows[:limit]
    return page, _write_cursor(page[-1]) if len(rows) > limit else None


async def create_chat(connection: AsyncConnection, owner_id: UUID, values: Mapping[str, Any]) -> Row[Any]:
    statement = insert(ChatSession).values(id=new_id(), user_id=owner_id, **values).returning(*_COLUMNS)
    return (await connection.execute(statement)).one()


async def get_chat(connection: AsyncConnection, owner_id: UUID, chat_id: UUID) -> Row[Any]:
    statement = select(*_COLUMNS).where(
        ChatSession.id == chat_id, ChatSession.user_id == owner_id, ChatSession.is_active
    )
    return _required((await connection.execute(statement)).one_or_none())


async def change_chat(
    connection: AsyncConnection, owner_id: UUID, chat_id: UUID, changes: Mapping[str, Any]
) -> Row[Any]:
    if not changes:
        return await get_chat(connection, owner_id, chat_id)
    statement = (
        update(ChatSession)
        .where(ChatSession.id == chat_id, ChatSession.user_id == owner_id, ChatSession.is_active)
        .values(**changes)
        .returning(*_COLUMNS)
    )
    return _required((await connection.execute(statement)).one_or_none())


# From the message down to its newest leaf. Ids rise with time.
_SHOW = text("""
    WITH RECURSIVE down AS (
        SELECT m.id, m.branch_id, 1 AS depth FROM messages m
        WHERE m.id = :message_id AND m.session_id = :chat_id AND m.owner_id = :owner_id
        UNION ALL
        SELECT c.id, c.branch_id, d.depth + 1 FROM down d CROSS JOIN LATERAL (
            SELECT m.id, m.branch_id FROM messages m WHERE m.session_id = :chat_id AND m.parent_id = d.id
            ORDER BY m.id DESC LIMIT 1
        ) c
    )
    UPDATE chat_sessions SET active_leaf_id = leaf.id, active_branch_id = leaf.branch_id
    FROM (SELECT id, branch_id FROM down ORDER BY depth DESC LIMIT 1) AS leaf
    WHERE chat_sessions.id = :chat_id AND chat_sessions.user_id = :owner_id AND chat_sessions.is_active
    RETURNING chat_sessions.id
""")


async def show_branch(connection: AsyncConnection, owner_id: UUID, chat_id: UUID, message_id: UUID) -> None:
    # Make the branch of a message the active one, down to its newest leaf.
    values = {"owner_id": owner_id, "chat_id": chat_id, "message_id": message_id}
    if await connection.scalar(_SHOW, values) is None:
        await get_chat(connection, owner_id, chat_id)
        raise NotFoundError("There is no such message in this chat.", code="message.not_found")


async def delete_chat(connection: AsyncConnection, owner_id: UUID, chat_id: UUID) -> None:
    statement = (
        update(ChatSession)
        .where(ChatSession.id == chat_id, ChatSession.user_id == owner_id, ChatSession.is_active)
        .values(is_active=False, deleted_at=func.now())
        .returning(ChatSession.id)
    )
    _required((await connection.execute(statement)).one_or_none())


async def restore_chat(connection: AsyncConnection, owner_id: UUID, chat_id: UUID) -> Row[Any]:
    """Restore a deleted chat. Raises `NotFoundError` after ten minutes."""
    statement = (
        update(ChatSession)
        .where(
            ChatSession.id == chat_id,
            ChatSession.user_id == owner_id,
            (ChatSession.deleted_at > func.now() - RESTORABLE) | ChatSession.is_active,
        )
        .values(is_active=True, deleted_at=None)
        .returning(*_COLUMNS)
    )
    return _required((await connection.execute(statement)).one_or_none())


def _required(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFoundError("There is no such chat.", code="session.not_found")
    return row


def _write_cursor(row: Row[Any]) -> str:
    return urlsafe_b64encode(f"{row.updated_at.isoformat()}|{row.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        updated_at, _, chat_id = urlsafe_b64decode(cursor).decode().partition("|")
        return _in_utc(datetime.fromisoformat(updated_at)), UUID(chat_id)
    except (ValueError, OverflowError):
        problem = FieldError(field="cursor", detail="Enter the `next_cursor` of a page.")
        raise InvalidRequestError("Some fields are invalid.", errors=[problem]) from None


def _in_utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("the time has no time zone")
    return time.astimezone(UTC)
