"""What an attempt does with its run: claim, renew, keep texts and summaries, pause, hand over.

Each is one statement on the clock of the database, with the attempt as its fence.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from basechat.chat.runs.answer import RunRequest
from basechat.identity.sql import MODEL_PREFERENCES
from basechat.infra.db import DATABASE_ERRORS, Database

log = logging.getLogger(__name__)

# A claim reads at most this much of a branch; no context window holds more.
_DEPTH = 4000  # messages
_BYTES = 8_000_000

# The statement that takes the lease also reads the branch, back to its latest summary. Empty answers are left out.
_CLAIM = text(f"""
    WITH RECURSIVE claimed AS (
        UPDATE runs SET status = 'running', attempt = attempt + 1, worker = :worker,
               lease_until = now() + make_interval(secs => :lease), started_at = coalesce(started_at, now())
        WHERE id = :run_id AND status = 'queued' AND after_run_id IS NULL AND cancel_requested_at IS NULL
        AND (lease_until IS NULL OR lease_until <= now())
        RETURNING id, session_id, owner_id, user_message_id, message_id, attempt, request
    ), branch AS (
        SELECT m.id, m.parent_id, m.role, m.content, m.meta_info -> 'context' AS context,
               1 AS depth, octet_length(m.content) AS bytes
        FROM messages m JOIN claimed ON m.id = claimed.user_message_id
        UNION ALL
        SELECT m.id, m.parent_id, m.role, m.content, m.meta_info -> 'context',
               b.depth + 1, b.bytes + octet_length(m.content)
        FROM messages m JOIN branch b ON m.id = b.parent_id
        WHERE b.depth < :depth AND b.bytes < :bytes
        AND NOT EXISTS (SELECT FROM context_summaries s WHERE s.message_id = m.id)
    )
    SELECT claimed.*, c.model_name, c.instructions AS chat_instructions, c.tools, p.instructions, p.default_model,
           p.default_temperature, p.max_tokens,
           (SELECT json_agg(json_build_object('id', id, 'role', role, 'content', content, 'context', context)
                            ORDER BY depth DESC) FROM branch WHERE content <> '') AS messages,
           (SELECT s.content FROM (SELECT parent_id FROM branch ORDER BY depth DESC LIMIT 1) oldest
            JOIN context_summaries s ON s.message_id = oldest.parent_id) AS summary
    FROM claimed JOIN chat_sessions c ON c.id = claimed.session_id
    LEFT JOIN ({MODEL_PREFERENCES}) p ON p.user_id = claimed.owner_id
""")  # noqa: S608 - composed of constants

_QUEUED = text("""
    SELECT id FROM runs WHERE status = 'queued' AND after_run_id IS NULL AND cancel_requested_at IS NULL
    AND (lease_until IS NULL OR lease_until <= now()) ORDER BY id LIMIT 1
""")

_RENEW = text("""
    UPDATE runs SET lease_until = now() + make_interval(secs => :lease)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[])) AS held (id, attempt)
    WHERE runs.id = held.id AND runs.attempt = held.attempt AND runs.status = 'running'
    RETURNING runs.id, runs.cancel_requested_at IS NOT NULL AS cancelled
""")

_CANCELLED = text("SELECT id FROM runs WHERE id = ANY (:ids) AND cancel_requested_at IS NOT NULL")

# No worker claims a run with a cancel request. So its lease ends here, and the reaper ends the run with its text.
_HAND_OVER = text("""
    WITH released AS (
        UPDATE runs SET worker = NULL,
               status = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE status END,
               lease_until = CASE WHEN cancel_requested_at IS NULL THEN NULL ELSE now() END
        FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[])) AS held (id, attempt)
        WHERE runs.id = held.id AND runs.attempt = held.attempt AND runs.status = 'running'
        RETURNING runs.id, runs.status
    )
    SELECT id FROM released WHERE status = 'queued'
""")

_KEEP_TEXTS = text("""
    INSERT INTO run_texts (run_id, owner_id, attempt, content)
    SELECT runs.id, runs.owner_id, runs.attempt, held.content
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[]), CAST(:texts AS text[]))
         AS held (id, attempt, content)
    JOIN runs ON runs.id = held.id AND runs.attempt = held.attempt AND runs.status = 'running'
    ON CONFLICT (run_id) DO UPDATE
    SET attempt = excluded.attempt, content = excluded.content, updated_at = now()
""")

# Another branch may have summarised the same part in the meantime. Then its summary stays and is returned.
_KEEP_SUMMARY = text("""
    INSERT INTO context_summaries (message_id, owner_id, content)
    SELECT m.id, m.owner_id, :content FROM messages m
    JOIN runs r ON r.session_id = m.session_id AND r.owner_id = m.owner_id
    WHERE m.id = :message_id AND r.id = :run_id AND r.attempt = :attempt AND r.status = 'running'
    ON CONFLICT (message_id) DO UPDATE SET content = context_summaries.content RETURNING content
""")

# A separate statement locks the run, so that the next one sees the approvals up to now.
_LOCK = text("SELECT FROM runs WHERE id = :run_id FOR UPDATE")
_PAUSE = text("""
    WITH r AS (
        UPDATE runs SET worker = NULL, lease_until = NULL,
               status = CASE WHEN EXISTS (SELECT FROM tool_calls t WHERE t.run_id = runs.id AND t.status = 'proposed')
                        THEN 'waiting' ELSE 'queued' END
        WHERE id = :run_id AND attempt = :attempt AND status = 'running' AND cancel_requested_at IS NULL
        RETURNING id, owner_id, attempt, status
    ), kept AS (
        INSERT INTO run_texts (run_id, owner_id, attempt, content) SELECT id, owner_id, attempt, :content FROM r
        ON CONFLICT (run_id) DO UPDATE
        SET attempt = excluded.attempt, content = excluded.content, updated_at = now()
    )
    SELECT status FROM r
""")
_IS_CANCELLED = text("""
    SELECT cancel_requested_at IS NOT NULL FROM runs
    WHERE id = :run_id AND attempt = :attempt AND status = 'running'
""")

PauseStatus = Literal["waiting", "queued", "cancelled", "lost"]


@dataclass(frozen=True, slots=True)
class Lease:
    """A run that this worker holds while `attempt` is the latest."""

    run_id: UUID
    attempt: int


async def claim(database: Database, run_id: UUID, *, worker: str, lease_seconds: float) -> RunRequest | None:
    values = {"run_id": run_id, "worker": worker, "lease": lease_seconds, "depth": _DEPTH, "bytes": _BYTES}
    async with database.autocommit() as connection:
        row = (await connection.execute(_CLAIM, values)).one_or_none()
    return None if row is None else _request(row)


async def find_queued(database: Database) -> UUID | None:
    async with database.autocommit() as connection:
        found: UUID | None = await connection.scalar(_QUEUED)
    return found


async def renew(database: Database, leases: Collection[Lease], *, lease_seconds: float) -> dict[UUID, bool]:
    # Renew leases. Returns the runs that are still held, and for each whether to cancel it.
    async with database.autocommit() as connection:
        rows = await connection.execute(_RENEW, _columns(leases) | {"lease": lease_seconds})
        return {row.id: row.cancelled for row in rows}


async def list_cancelled(database: Database, run_ids: Collection[UUID]) -> list[UUID]:
    async with database.autocommit() as connection:
        return list(await connection.scalars(_CANCELLED, {"ids": list(run_ids)}))


async def hand_over(database: Database, leases: Collection[Lease]) -> list[UUID]:
    """Put held runs back into the queue; returns the runs that another worker can claim."""
    async with database.autocommit() as connection:
        return list(await connection.scalars(_HAND_OVER, _columns(leases)))


async def keep_texts(database: Database, texts: dict[Lease, str]) -> None:
    async with database.autocommit() as connection:
        await connection.execute(_KEEP_TEXTS, _columns(texts) | {"texts": list(texts.values())})


async def pause(database: Database, lease: Lease, content: str) -> PauseStatus:
    """Let a run wait for approvals, with its text so far and without a worker.

    `queued`: all calls were decided in the meantime. `cancelled`: the run must end instead.
    """
    values = {"run_id": lease.run_id, "attempt": lease.attempt}
    async with database.system_transaction() as connection:
        await connection.execute(_LOCK, values)
        status: PauseStatus | None = await connection.scalar(_PAUSE, values | {"content": content})
        if status is not None:
            return status
        return "cancelled" if await connection.scalar(_IS_CANCELLED, values) else "lost"


class StoredSummaries:
    """Stores summaries under the last message that they cover, for all branches through this message."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, request: RunRequest, message_id: str, content: str) -> str:
        """Store a summary; returns the summary that is valid from now on.

        An answer does not wait for the database. If the summary is not stored, the next answer makes a new one.
        """
        values = {"message_id": message_id, "content": content, "run_id": request.run_id, "attempt": request.attempt}
        try:
            async with self._database.autocommit() as connection:
                kept: str | None = await connection.scalar(_KEEP_SUMMARY, values)
        except DATABASE_ERRORS as error:
            log.warning("run %s: can't store a summary: %s", request.run_id, error)
            return content
        return content if kept is None else kept


def _columns(leases: Collection[Lease]) -> dict[str, Any]:
    return {"ids": [lease.run_id for lease in leases], "attempts": [lease.attempt for lease in leases]}


def _request(row: Row[Any]) -> RunRequest:
    options: dict[str, Any] = row.request
    instructions = [text for text in (row.instructions, row.chat_instructions) if text]
    return RunRequest(
        run_id=row.id,
        owner_id=row.owner_id,
        attempt=row.attempt,
        messages=row.messages or [],
        summary=row.summary,
        instructions="\n\n".join(instructions),
        tools=options.get("tools", row.tools),
        model=options.get("model") or row.model_name or row.default_model,
        temperature=options.get("temperature", row.default_temperature),
        max_tokens=options.get("max_tokens", row.max_tokens),
        use_cache=bool(options.get("use_cache", True)),
    )
