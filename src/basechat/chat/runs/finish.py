"""The end of a run: one statement stores the text and ends the run, for the one attempt that still owns it."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from basechat.chat.documents import Document, message_document, run_document
from basechat.chat.history import RUN_COLUMNS, SIBLINGS
from basechat.chat.runs.answer import Answer
from basechat.chat.runs.tools.stored import CALLS, TOOLS_USED
from basechat.infra.db import Database
from basechat.kit import json

# The chat's row is locked before the run's, as where messages are accepted: the other way round, a message that comes
# just then would wait for this statement, which waits for it.
# The tables are read as they were before, so what is new of the message comes from what its update returns.
_FINISH = text(f"""
    WITH chat AS (
        UPDATE chat_sessions SET updated_at = now() FROM runs o
        WHERE o.id = :run_id AND o.attempt = :attempt AND o.status = 'running' AND chat_sessions.id = o.session_id
        RETURNING chat_sessions.id
    ), r AS (
        UPDATE runs SET status = :status, finished_at = now(), lease_until = NULL,
               error_code = :error_code, error_detail = :error_detail
        FROM chat
        WHERE runs.id = :run_id AND attempt = :attempt AND status = 'running' AND session_id = chat.id
        RETURNING runs.*
    ), m AS (
        UPDATE messages SET content = :content, tokens_used = :tokens_used, model_used = :model_used,
               mcp_tools_used = {TOOLS_USED}, meta_info = CAST(:meta_info AS jsonb) || {CALLS}
        FROM r WHERE messages.id = r.message_id RETURNING messages.*
    ), kept_text AS (
        DELETE FROM run_texts USING r WHERE run_texts.run_id = r.id
    ), follower AS (
        UPDATE runs SET after_run_id = NULL FROM r WHERE runs.after_run_id = r.id RETURNING runs.id
    )
    SELECT m.*, {SIBLINGS}, {RUN_COLUMNS}, (SELECT id FROM follower) AS follower_id FROM m, r
""")  # noqa: S608 - composed of constants

EndStatus = Literal["completed", "cancelled", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ends."""

    status: EndStatus
    content: str
    answer: Answer | None = None
    error_code: str | None = None
    error_detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The stored message, and the run that waited for this one, if any."""

    message: Document
    follower_id: UUID | None


async def finish(database: Database, run_id: UUID, attempt: int, ending: Ending) -> Finished | None:
    """End a run; returns None if it is another's by now."""
    answer = ending.answer or Answer(model=None, tokens_used=None)
    values = {
        "run_id": run_id,
        "attempt": attempt,
        "status": ending.status,
        "content": ending.content,
        "tokens_used": answer.tokens_used,
        "model_used": answer.model,
        "meta_info": json.dumps(answer.meta_info).decode(),
        "error_code": ending.error_code,
        "error_detail": ending.error_detail,
    }
    async with database.each_for_system() as connection:
        row = (await connection.execute(_FINISH, values)).one_or_none()
    return None if row is None else _finished(row)


def _finished(row: Row[Any]) -> Finished:
    return Finished(message=message_document(row, run_document(row)), follower_id=row.follower_id)
