"""Messages and runs as clients see them, in answers and in events alike."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

Document = dict[str, Any]


def run_document(row: Row[Any]) -> Document:
    """Return a run; the row has its columns prefixed with `run_`."""
    return {
        "id": row.run_id,
        "session_id": row.run_session_id,
        "user_message_id": row.run_user_message_id,
        "message_id": row.run_message_id,
        "status": row.run_status,
        "attempt": row.run_attempt,
        "error": {"code": row.run_error_code, "detail": row.run_error_detail} if row.run_error_code else None,
        "approvals": row.run_approvals or [],
        "created_at": row.run_created_at,
        "started_at": row.run_started_at,
        "finished_at": row.run_finished_at,
    }


def message_document(row: Row[Any], run: Document | None) -> Document:
    """Return a message with the run that makes it."""
    return {
        "id": row.id,
        "session_id": row.session_id,
        "parent_id": row.parent_id,
        "siblings": row.siblings,
        "role": row.role,
        "content": row.content,
        "tokens_used": row.tokens_used,
        "model_used": row.model_used,
        "mcp_tools_used": row.mcp_tools_used,
        "meta_info": row.meta_info,
        "created_at": row.created_at,
        "run": run,
    }


def new_message_document(
    message_id: UUID, session_id: UUID, parent_id: UUID | None, role: str, content: str, created_at: datetime
) -> Document:
    """Return a message that was just stored."""
    return {
        "id": message_id,
        "session_id": session_id,
        "parent_id": parent_id,
        "siblings": [message_id],
        "role": role,
        "content": content,
        "tokens_used": None,
        "model_used": None,
        "mcp_tools_used": [],
        "meta_info": {},
        "created_at": created_at,
        "run": None,
    }
