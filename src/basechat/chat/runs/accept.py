"""Accept a message: one statement stores the message, its empty answer and the run that makes the answer."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.messages import Document, find_messages, message_document
from basechat.chat.schemas import NewMessage
from basechat.infra.db import Database
from basechat.kit import json
from basechat.kit.errors import ConflictError, InvalidRequestError, NotFoundError
from basechat.kit.ids import new_id
from basechat.kit.text import first_line

_TRIES = 3

# The row of the chat is locked first, so the statement reads its newest version. Rows of other tables are read as
# they were when the statement began. A run that was accepted in between is not seen: the unique index refuses ours,
# and the next try of the statement sees that run.
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


# A queued message must see the current tail of the queue: this lock is taken before `_ACCEPT` takes its snapshot.
_LOCK_CHAT = text("SELECT FROM chat_sessions WHERE id = :chat_id AND user_id = :owner_id FOR UPDATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRun:
    """A run with its two messages. An earlier request with the same idempotency key may have created them.

    `is_ready`: a worker can claim the run now, because it follows no other run.
    """

    user_message: Document
    assistant_message: Document
    is_new: bool
    is_ready: bool

    @property
    def run(self) -> Document:
        run: Document = self.assistant_message["run"]
        return run


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The `Idempotency-Key` of a request and the hash of the request; both None without a key."""

    key: str | None
    hash: str | None

    @classmethod
    def of(cls, key: str | None, target_id: UUID, body: BaseModel) -> "Idempotency":
        """`target_id`: the chat or message of the request. The kind of the request is part of the hash."""
        if key is None:
            return cls(None, None)
        hashed = {"kind": type(body).__name__, "target": target_id, "body": body.model_dump(mode="json")}
        return cls(key, sha256(json.dumps(hashed)).hexdigest())

    def check(self, earlier_hash: str) -> None:
        if earlier_hash != self.hash:
            raise InvalidRequestError(
                "This Idempotency-Key belongs to a different request.", code="idempotency.mismatch"
            )


async def accept_message(
    database: Database, owner_id: UUID, chat_id: UUID, body: NewMessage, *, idempotency_key: str | None
) -> AcceptedRun:
    """Store a message and the run that answers it.

    Raises `NotFoundError` for a chat or parent that is not the owner's, and `ConflictError` (`run.active`) while the
    branch is being answered. An idempotency key of a different request raises `InvalidRequestError`.
    """
    idempotency = Idempotency.of(idempotency_key, chat_id, body)
    values = _values(owner_id, chat_id, body, idempotency)
    for tries_left in reversed(range(_TRIES)):
        try:
            async with database.owner_transaction(owner_id) as connection:
                if body.when_busy == "queue":
                    await connection.execute(_LOCK_CHAT, values)
                row = (await connection.execute(_ACCEPT, values)).one()
                if row.replayed_id is not None:
                    idempotency.check(row.replayed_hash)
                    ids = row.replayed_user_message_id, row.replayed_message_id
                    return await load_accepted(connection, *ids, is_new=False)
                _check(row)
                return _accepted(row, values)
        except IntegrityError as error:
            if not tries_left or "uq_runs_" not in str(error.orig):
                raise
    raise AssertionError("the last try returns or raises")


async def load_accepted(
    connection: AsyncConnection, user_message_id: UUID, message_id: UUID, *, is_new: bool
) -> AcceptedRun:
    messages = await find_messages(connection, [user_message_id, message_id])
    return AcceptedRun(
        user_message=messages[user_message_id],
        assistant_message=messages[message_id],
        is_new=is_new,
        is_ready=is_new,
    )


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


def _check(row: Row[Any]) -> None:
    if not row.has_chat:
        raise NotFoundError("There is no such chat.", code="session.not_found")
    if not row.has_place:
        raise NotFoundError("There is no such answer to follow in this chat.", code="message.not_found")
    if not row.accepted:
        raise ConflictError(
            'This chat is still being answered. Wait, cancel the run, or send `"when_busy": "queue"`.',
            code="run.active",
        )


def _accepted(row: Row[Any], values: dict[str, Any]) -> AcceptedRun:
    """The stored rows as documents, without a second query."""
    chat_id, created_at = values["chat_id"], row.created_at
    user_id, answer_id = values["user_message_id"], values["message_id"]
    message = {"session_id": chat_id, "created_at": created_at}
    question = {"id": user_id, "parent_id": row.parent_id, "role": "user", "content": values["content"]}
    answer = {"id": answer_id, "parent_id": user_id, "role": "assistant", "content": ""}
    run = {
        "run_id": values["run_id"],
        "run_session_id": chat_id,
        "run_user_message_id": user_id,
        "run_message_id": answer_id,
        "run_created_at": created_at,
    }
    return AcceptedRun(
        user_message=message_document(message | question),
        assistant_message=message_document(message | answer | run),
        is_new=True,
        is_ready=row.after_run_id is None,
    )
