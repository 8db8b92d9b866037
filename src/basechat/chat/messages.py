"""Messages and runs as clients see them, in responses and in events: read, page by page, and rated."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.schemas import Feedback
from basechat.kit import json
from basechat.kit.errors import NotFoundError
from basechat.protocol import MessageCompleted, RunCancelled, RunFailed

Document = dict[str, Any]

# The approvals are read for waiting runs only.
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

# Without `OFFSET 0` the planner may read all messages of the owner. That is cheaper for an average owner and very
# slow for an owner with many messages.
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

_RUN = text(f"SELECT {RUN_COLUMNS} FROM runs r WHERE r.id = :run_id AND r.owner_id = :owner_id")  # noqa: S608

# An answer in progress is not rated: the end of its run overwrites `meta_info`.
_RATE = text("""
    UPDATE messages m
    SET meta_info = CASE WHEN CAST(:feedback AS jsonb) IS NULL THEN m.meta_info - 'feedback'
                         ELSE m.meta_info || jsonb_build_object('feedback', CAST(:feedback AS jsonb)) END
    FROM runs r
    WHERE m.id = :message_id AND m.owner_id = :owner_id AND m.role = 'assistant'
    AND r.message_id = m.id AND r.status IN ('completed', 'cancelled', 'failed') RETURNING m.id
""")


async def list_messages(
    connection: AsyncConnection, owner_id: UUID, chat_id: UUID, *, before: UUID | None, limit: int
) -> tuple[list[Document], str | None]:
    """A page of the active branch, oldest first, and the `before` of the page of older messages.

    Raises `NotFoundError` if the chat is not the owner's.
    """
    values = {"owner_id": owner_id, "chat_id": chat_id, "before": before, "limit": limit}
    rows = (await connection.execute(_PAGE, values)).mappings().all()
    if not rows:
        raise NotFoundError("There is no such chat.", code="session.not_found")
    messages = [row for row in rows if row["id"] is not None]
    page = messages[-limit:]
    cursor = str(page[0]["id"]) if len(messages) > limit else None
    return [message_document(row) for row in page], cursor


async def find_messages(connection: AsyncConnection, ids: list[UUID]) -> dict[UUID, Document]:
    rows = (await connection.execute(_MESSAGES, {"ids": ids})).mappings()
    return {row["id"]: message_document(row) for row in rows}


async def get_run(connection: AsyncConnection, owner_id: UUID, run_id: UUID) -> Document:
    row = (await connection.execute(_RUN, {"run_id": run_id, "owner_id": owner_id})).mappings().one_or_none()
    if row is None:
        raise NotFoundError("There is no such run.", code="run.not_found")
    return run_document(row)


async def rate_answer(connection: AsyncConnection, owner_id: UUID, message_id: UUID, feedback: Feedback) -> None:
    document = None if feedback.rating is None else json.dumps(feedback.model_dump(exclude_none=True)).decode()
    values = {"message_id": message_id, "owner_id": owner_id, "feedback": document}
    if await connection.scalar(_RATE, values) is None:
        raise NotFoundError("There is no such finished answer.", code="message.not_found")


def run_document(row: RowMapping | Mapping[str, Any]) -> Document:
    """A run from `RUN_COLUMNS`. The columns of a new run that have their defaults may be missing."""
    code = row.get("run_error_code")
    return {
        "id": row["run_id"],
        "session_id": row["run_session_id"],
        "user_message_id": row["run_user_message_id"],
        "message_id": row["run_message_id"],
        "status": row.get("run_status", "queued"),
        "attempt": row.get("run_attempt", 0),
        "error": {"code": code, "detail": row["run_error_detail"]} if code else None,
        "approvals": row.get("run_approvals") or [],
        "created_at": row["run_created_at"],
        "started_at": row.get("run_started_at"),
        "finished_at": row.get("run_finished_at"),
    }


def message_document(row: RowMapping | Mapping[str, Any]) -> Document:
    return {
        "id": row["id"],
        "session_id": row["session_id"],
        "parent_id": row["parent_id"],
        "siblings": row.get("siblings", [row["id"]]),
        "role": row["role"],
        "content": row["content"],
        "tokens_used": row.get("tokens_used"),
        "model_used": row.get("model_used"),
        "mcp_tools_used": row.get("mcp_tools_used", []),
        "meta_info": row.get("meta_info", {}),
        "created_at": row["created_at"],
        "run": run_document(row) if row.get("run_id") else None,
    }


def last_event(message: Document) -> MessageCompleted | RunCancelled | RunFailed:
    run = message["run"]
    if run["status"] == "completed":
        return MessageCompleted(message=message)
    if run["status"] == "cancelled":
        return RunCancelled(message=message)
    return RunFailed(code=run["error"]["code"], detail=run["error"]["detail"], message=message)
