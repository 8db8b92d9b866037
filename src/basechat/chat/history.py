"""The messages of a chat: pages of its active branch, read from the leaf towards the root in one statement."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.documents import Document, message_document, run_document
from basechat.kit.errors import NotFoundError

# Read only of a run that waits, which few do.
RUN_COLUMNS = """
    CASE WHEN r.status = 'waiting' THEN (
        SELECT json_agg(json_build_object(
            'call_id', w.call_id, 'name', w.name, 'title', w.title, 'server', w.server, 'arguments', w.arguments,
            'input_schema', coalesce(w.input_schema, '{}'),
            'expires_at', to_char(w.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY w.id)
        FROM tool_calls w WHERE w.run_id = r.id AND w.status = 'proposed'
    ) END AS run_approvals,
    r.id AS run_id, r.session_id AS run_session_id, r.user_message_id AS run_user_message_id,
    r.message_id AS run_message_id, r.status AS run_status, r.attempt AS run_attempt,
    r.error_code AS run_error_code, r.error_detail AS run_error_detail,
    r.created_at AS run_created_at, r.started_at AS run_started_at, r.finished_at AS run_finished_at
"""
# A root's siblings are the other roots of its chat. Two branches of CASE, so that each can use the index.
SIBLINGS = """
    CASE WHEN m.parent_id IS NULL
        THEN ARRAY(SELECT s.id FROM messages s WHERE s.session_id = m.session_id AND s.parent_id IS NULL ORDER BY s.id)
        ELSE ARRAY(SELECT s.id FROM messages s
                   WHERE s.session_id = m.session_id AND s.parent_id = m.parent_id ORDER BY s.id)
    END AS siblings
"""
MESSAGE_COLUMNS = f"""
    m.id, m.session_id, m.parent_id, m.role,
    CASE WHEN r.status IN ('queued', 'running', 'waiting') THEN coalesce(t.content, m.content) ELSE m.content END
    AS content, m.tokens_used, m.model_used,
    m.mcp_tools_used, m.meta_info, m.created_at, {SIBLINGS}, {RUN_COLUMNS}
"""

# `OFFSET 0` keeps the planner from reading all messages of the owner, which is cheaper for the average person
# and dear for the one who has many.
_PAGE = text(f"""
    WITH RECURSIVE start AS (
        SELECT CASE WHEN CAST(:before AS uuid) IS NULL THEN c.active_leaf_id
               ELSE (SELECT b.parent_id FROM messages b WHERE b.id = :before AND b.session_id = c.id) END AS id
        FROM chat_sessions c WHERE c.id = :chat_id AND c.user_id = :owner_id AND c.is_active
    ), branch AS (
        SELECT m.id, m.parent_id, 1 AS depth FROM messages m JOIN start ON m.id = start.id
        UNION ALL
        SELECT m.id, m.parent_id, b.depth + 1 FROM messages m JOIN branch b ON m.id = b.parent_id
        WHERE b.depth <= :limit
    )
    SELECT b.depth, {MESSAGE_COLUMNS}
    FROM start LEFT JOIN branch b ON true
    LEFT JOIN LATERAL (SELECT * FROM messages WHERE id = b.id OFFSET 0) m ON true
    LEFT JOIN runs r ON r.message_id = m.id
    LEFT JOIN run_texts t ON t.run_id = r.id
    ORDER BY b.depth DESC
""")  # noqa: S608 - composed of the constants above

_MESSAGES = text(f"""
    SELECT {MESSAGE_COLUMNS} FROM messages m
    LEFT JOIN runs r ON r.message_id = m.id
    LEFT JOIN run_texts t ON t.run_id = r.id
    WHERE m.id = ANY(:ids)
""")  # noqa: S608 - composed of the constants above


async def list_messages(
    connection: AsyncConnection, owner_id: UUID, chat_id: UUID, *, before: UUID | None, limit: int
) -> tuple[list[Document], str | None]:
    """Return a page of the active branch, oldest first, and the `before` of the page of older messages.

    Raises `NotFoundError` if the chat is not the owner's.
    """
    values = {"owner_id": owner_id, "chat_id": chat_id, "before": before, "limit": limit}
    rows = list(await connection.execute(_PAGE, values))
    if not rows:
        raise NotFoundError("There is no such chat.", code="session.not_found")
    messages = [row for row in rows if row.id is not None]
    page = messages[-limit:]
    cursor = str(page[0].id) if len(messages) > limit else None
    return [_document(row) for row in page], cursor


async def get_messages(connection: AsyncConnection, ids: list[UUID]) -> dict[UUID, Document]:
    """Return messages by their ids; those that are not the owner's are missing."""
    return {row.id: _document(row) for row in await connection.execute(_MESSAGES, {"ids": ids})}


def _document(row: Row[Any]) -> Document:
    return message_document(row, run_document(row) if row.run_id is not None else None)
