"""The end of a run: one statement stores the text and ends the run, for the one attempt that still owns it."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from basechat.chat.documents import Document, message_document, run_document
from basechat.chat.history import RUN_COLUMNS, SIBLINGS
from basechat.chat.runs.answer import Answer
from basechat.chat.runs.tools.ledger import CALLS, TOOLS_USED
from basechat.infra.db import Database
from basechat.kit import json
from basechat.kit.ids import new_id

# The chat's row is locked before the run's, as where messages are accepted: the other way round, a message that comes
# just then would wait for this statement, which waits for it.
# The tables are read as they were before, so what is new of the message comes from what its update returns, and an
# answer is a chat's first if none is completed yet.
_FINISH = text(f"""
    WITH chat AS (
        UPDATE chat_sessions SET updated_at = now() FROM runs o
        WHERE o.id = :run_id AND o.attempt = :attempt AND o.status = 'running' AND chat_sessions.id = o.session_id
        RETURNING chat_sessions.id, chat_sessions.temporary
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
    ), title AS (
        INSERT INTO jobs (id, owner_id, kind, payload)
        SELECT :job_id, r.owner_id, 'title', jsonb_build_object('run_id', r.id) FROM r, chat
        WHERE :titled AND r.status = 'completed' AND NOT chat.temporary AND NOT EXISTS (
            SELECT FROM runs p WHERE p.session_id = chat.id AND p.status = 'completed'
        )
        RETURNING id
    )
    SELECT m.*, {SIBLINGS}, {RUN_COLUMNS}, (SELECT id FROM follower) AS follower_id,
           EXISTS (SELECT FROM title) AS has_jobs
    FROM m, r
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
    """The stored message, the run that waited for this one, if any, and whether jobs follow from the end."""

    message: Document
    follower_id: UUID | None
    has_jobs: bool


async def finish(
    database: Database, run_id: UUID, attempt: int, ending: Ending, *, titled: bool = False
) -> Finished | None:
    """End a run; returns None if it is another's by now. Where chats are `titled`, the first answer causes that."""
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
        "titled": titled,
        "job_id": new_id(),
    }
    async with database.autocommit() as connection:
        row = (await connection.execute(_FINISH, values)).one_or_none()
    return None if row is None else _finished(row)


def _finished(row: Row[Any]) -> Finished:
    message = message_document(row, run_document(row))
    return Finished(message=message, follower_id=row.follower_id, has_jobs=row.has_jobs)
