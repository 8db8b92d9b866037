"""Accepting a message: one statement stores it, its empty answer and the run that will fill it."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.documents import new_message_document
from basechat.chat.runs.accepted import Accepted, stored
from basechat.chat.runs.idempotency import Idempotency
from basechat.chat.schemas import NewMessage
from basechat.infra.db import Database
from basechat.kit import json
from basechat.kit.errors import ConflictError, NotFoundError
from basechat.kit.ids import new_id
from basechat.kit.text import first_line

_TRIES = 3

# The chat's row is locked first, so that what is read of it is the newest. Rows of other tables are read as they
# were when the statement began: a run accepted meanwhile is not seen, and the unique index refuses ours. Then the
# statement is tried again and sees it.
_ACCEPT = text("""
    WITH chat AS (
        SELECT id, active_leaf_id, active_branch_id FROM chat_sessions
        WHERE id = :chat_id AND user_id = :owner_id AND is_active FOR UPDATE
    ), replayed AS (
        SELECT id, idempotency_hash, user_message_id, message_id FROM runs
        WHERE owner_id = :owner_id AND idempotency_key = :idempotency_key
    ), parent AS (
        SELECT m.id, m.branch_id, EXISTS (SELECT FROM messages c WHERE c.parent_id = m.id) AS has_children
        FROM messages m WHERE m.id = :parent_id AND m.session_id = :chat_id AND m.role = 'assistant'
    ), place AS (
        SELECT chat.id AS session_id, p.id AS parent_id,
               CASE WHEN p.has_children THEN CAST(:new_branch_id AS uuid) ELSE p.branch_id END AS branch_id
        FROM chat JOIN parent p ON true WHERE p.id IS DISTINCT FROM chat.active_leaf_id
        UNION ALL
        SELECT id, active_leaf_id, coalesce(active_branch_id, :new_branch_id) FROM chat
        WHERE coalesce(CAST(:parent_id AS uuid), active_leaf_id) IS NOT DISTINCT FROM active_leaf_id
    ), busy AS (
        SELECT r.id FROM runs r JOIN place ON r.branch_id = place.branch_id
        WHERE r.status IN ('queued', 'running', 'waiting') AND NOT EXISTS (
            SELECT FROM runs f WHERE f.after_run_id = r.id AND f.status IN ('queued', 'running', 'waiting')
        ) LIMIT 1
    ), accepted AS (
        SELECT place.*, (SELECT id FROM busy) AS after_run_id FROM place
        WHERE NOT EXISTS (SELECT FROM replayed) AND (:may_queue OR NOT EXISTS (SELECT FROM busy))
    ), user_message AS (
        INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content)
        SELECT :user_message_id, session_id, :owner_id, parent_id, branch_id, 'user', :content FROM accepted
    ), assistant_message AS (
        INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content)
        SELECT :message_id, session_id, :owner_id, :user_message_id, branch_id, 'assistant', '' FROM accepted
    ), run AS (
        INSERT INTO runs (id, session_id, owner_id, branch_id, user_message_id, message_id, after_run_id, request,
                          idempotency_key, idempotency_hash)
        SELECT :run_id, session_id, :owner_id, branch_id, :user_message_id, :message_id, after_run_id, :request,
               :idempotency_key, :idempotency_hash FROM accepted
    ), leaf AS (
        UPDATE chat_sessions c
        SET active_leaf_id = :message_id, active_branch_id = a.branch_id, updated_at = now(),
            title = CASE WHEN c.title = '' THEN :title ELSE c.title END,
            model_name = coalesce(:model, c.model_name)
        FROM accepted a WHERE c.id = a.session_id
    )
    SELECT EXISTS (SELECT FROM chat) AS has_chat, EXISTS (SELECT FROM place) AS has_place,
           (SELECT id FROM replayed) AS replayed_id, (SELECT idempotency_hash FROM replayed) AS replayed_hash,
           (SELECT user_message_id FROM replayed) AS replayed_user_message_id,
           (SELECT message_id FROM replayed) AS replayed_message_id,
           a.session_id IS NOT NULL AS accepted, a.parent_id, a.after_run_id, now() AS created_at
    FROM (SELECT) AS always LEFT JOIN accepted a ON true
""")


# Who queues must see the tail of the queue as it is now: the lock is had before the statement takes its snapshot.
_LOCK_CHAT = text("SELECT FROM chat_sessions WHERE id = :chat_id AND user_id = :owner_id FOR UPDATE")


async def accept_message(
    database: Database, owner_id: UUID, chat_id: UUID, body: NewMessage, *, idempotency_key: str | None
) -> Accepted:
    """Store a message and the run that answers it.

    Raises `NotFoundError` for a chat or parent that is not the owner's, `ConflictError` (`run.active`) while
    another run of the branch is active, `InvalidRequestError` for an idempotency key used with another body.
    """
    idempotency = Idempotency.of(idempotency_key, chat_id, body)
    values = _values(owner_id, chat_id, body, idempotency)
    for tries_left in reversed(range(_TRIES)):
        try:
            async with database.owner_transaction(owner_id) as connection:
                if body.when_busy == "queue":
                    await connection.execute(_LOCK_CHAT, values)
                row = (await connection.execute(_ACCEPT, values)).one()
                return await _judge(connection, row, values, idempotency)
        except IntegrityError as error:
            if not tries_left or "uq_runs_" not in str(error.orig):
                raise
    raise AssertionError("the last try returns or raises")


def _values(owner_id: UUID, chat_id: UUID, body: NewMessage, idempotency: Idempotency) -> dict[str, Any]:
    request = body.model_dump(include={"model", "temperature", "max_tokens", "use_cache", "tools"}, exclude_none=True)
    return {
        "owner_id": owner_id,
        "chat_id": chat_id,
        "parent_id": body.parent_id,
        "new_branch_id": new_id(),
        "user_message_id": new_id(),
        "message_id": new_id(),
        "run_id": new_id(),
        "content": body.content,
        "title": first_line(body.content),
        "model": body.model,
        "request": json.dumps(request).decode(),
        "may_queue": body.when_busy == "queue",
        "idempotency_key": idempotency.key,
        "idempotency_hash": idempotency.hash,
    }


async def _judge(
    connection: AsyncConnection, row: Row[Any], values: dict[str, Any], idempotency: Idempotency
) -> Accepted:
    if row.replayed_id is not None:
        idempotency.check(row.replayed_hash)
        return await stored(connection, row.replayed_user_message_id, row.replayed_message_id, is_new=False)
    if not row.has_chat:
        raise NotFoundError("There is no such chat.", code="session.not_found")
    if not row.has_place:
        raise NotFoundError("There is no such answer to follow in this chat.", code="message.not_found")
    if not row.accepted:
        raise ConflictError(
            'The chat is still being answered. Wait, cancel, or say `"when_busy": "queue"`.', code="run.active"
        )
    return _accepted(row, values)


def _accepted(row: Row[Any], values: dict[str, Any]) -> Accepted:
    chat_id, created_at = values["chat_id"], row.created_at
    user_id, answer_id = values["user_message_id"], values["message_id"]
    run = {
        "id": values["run_id"],
        "session_id": chat_id,
        "user_message_id": user_id,
        "message_id": answer_id,
        "status": "queued",
        "attempt": 0,
        "error": None,
        "approvals": [],
        "created_at": created_at,
        "started_at": None,
        "finished_at": None,
    }
    answer = new_message_document(answer_id, chat_id, user_id, "assistant", "", created_at)
    return Accepted(
        run=run,
        user_message=new_message_document(user_id, chat_id, row.parent_id, "user", values["content"], created_at),
        assistant_message=answer | {"run": run},
        is_new=True,
        is_ready=row.after_run_id is None,
    )
