"""Regenerate an answer or edit a message: a sibling on a new branch, and a run that makes the answer."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from basechat.chat.runs.accept import AcceptedRun, Idempotency, load_accepted
from basechat.chat.schemas import EditedMessage, Regeneration
from basechat.infra.db import Database
from basechat.kit import json
from basechat.kit.errors import ConflictError, NotFoundError
from basechat.kit.ids import new_id

# A new branch is never busy, so this works while another branch is being answered. Without content no message is
# written: the new answer follows the same message as the answer beside it.
_BRANCH = text("""
    WITH target AS (
        SELECT m.session_id, m.parent_id FROM messages m
        JOIN chat_sessions c ON c.id = m.session_id AND c.is_active
        WHERE m.id = :target_id AND m.owner_id = :owner_id AND m.role = :role FOR UPDATE OF c
    ), replayed AS (
        SELECT id, idempotency_hash, user_message_id, message_id FROM runs
        WHERE owner_id = :owner_id AND idempotency_key = :idempotency_key
    ), accepted AS (
        SELECT session_id, parent_id, coalesce(CAST(:user_message_id AS uuid), parent_id) AS question_id
        FROM target WHERE NOT EXISTS (SELECT FROM replayed)
    ), user_message AS (
        INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content)
        SELECT :user_message_id, session_id, :owner_id, parent_id, :branch_id, 'user', :content
        FROM accepted WHERE CAST(:user_message_id AS uuid) IS NOT NULL
    ), assistant_message AS (
        INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content)
        SELECT :message_id, session_id, :owner_id, question_id, :branch_id, 'assistant', '' FROM accepted
    ), run AS (
        INSERT INTO runs (id, session_id, owner_id, branch_id, user_message_id, message_id, request,
                          idempotency_key, idempotency_hash)
        SELECT :run_id, session_id, :owner_id, :branch_id, question_id, :message_id, :request,
               :idempotency_key, :idempotency_hash FROM accepted
    ), leaf AS (
        UPDATE chat_sessions c SET active_leaf_id = :message_id, active_branch_id = :branch_id, updated_at = now(),
               model_name = coalesce(:model, c.model_name)
        FROM accepted a WHERE c.id = a.session_id
    )
    SELECT (SELECT question_id FROM accepted) AS question_id,
           r.idempotency_hash AS replayed_hash, r.user_message_id AS replayed_user_message_id,
           r.message_id AS replayed_message_id
    FROM (SELECT) AS always LEFT JOIN replayed r ON true
""")


async def regenerate(
    database: Database, owner_id: UUID, message_id: UUID, body: Regeneration, key: str | None
) -> AcceptedRun:
    request = body.model_dump(exclude_none=True) | {"use_cache": False}
    idempotency = Idempotency.of(key, message_id, body)
    return await _branch(database, owner_id, message_id, "assistant", None, request, idempotency)


async def edit(
    database: Database, owner_id: UUID, message_id: UUID, body: EditedMessage, key: str | None
) -> AcceptedRun:
    """Make a sibling of a user message, and its answer.

    Raises `NotFoundError` for a message that is not the owner's or has another role, and `InvalidRequestError` for
    an idempotency key of a different request.
    """
    request = body.model_dump(exclude={"content"}, exclude_none=True)
    idempotency = Idempotency.of(key, message_id, body)
    return await _branch(database, owner_id, message_id, "user", body.content, request, idempotency)


async def _branch(
    database: Database,
    owner_id: UUID,
    target_id: UUID,
    role: str,
    content: str | None,
    request: dict[str, Any],
    idempotency: Idempotency,
) -> AcceptedRun:
    answer_id = new_id()
    values = {
        "owner_id": owner_id,
        "target_id": target_id,
        "role": role,
        "user_message_id": None if content is None else new_id(),
        "message_id": answer_id,
        "run_id": new_id(),
        "branch_id": new_id(),
        "content": content,
        "model": request.get("model"),
        "request": json.dumps(request).decode(),
        "idempotency_key": idempotency.key,
        "idempotency_hash": idempotency.hash,
    }
    for _ in range(2):
        try:
            async with database.owner_transaction(owner_id) as connection:
                row = (await connection.execute(_BRANCH, values)).one()
                if row.replayed_message_id is not None:
                    idempotency.check(row.replayed_hash)
                    ids = row.replayed_user_message_id, row.replayed_message_id
                    return await load_accepted(connection, *ids, is_new=False)
                if row.question_id is None:
                    raise NotFoundError("There is no such message.", code="message.not_found")
                return await load_accepted(connection, row.question_id, answer_id, is_new=True)
        except IntegrityError as error:  # the run of a concurrent call with the same key exists now
            if "uq_runs_idempotency" not in str(error.orig):
                raise
    raise ConflictError("Another request with this Idempotency-Key is in progress.", code="idempotency.busy")
