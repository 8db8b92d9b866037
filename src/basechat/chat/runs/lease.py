"""Leases of runs: claimed, renewed and given back, each by one statement on the database's clock."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from basechat.chat.runs.answer import RunRequest
from basechat.infra.db import Database

# A branch is read so far at most: beyond, nobody's window is that large.
_DEPTH = 4000  # messages
_BYTES = 8_000_000

# The branch is read by the statement that takes the lease, back to where its older part was told in brief.
# Answers without text say nothing.
_CLAIM = text("""
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
    LEFT JOIN user_preferences p ON p.user_id = claimed.owner_id
""")

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

# Nobody would claim what is to be cancelled: its lease ends here, and the reaper ends it with its text.
_HAND_OVER = text("""
    WITH left_alone AS (
        UPDATE runs SET worker = NULL,
               status = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE status END,
               lease_until = CASE WHEN cancel_requested_at IS NULL THEN NULL ELSE now() END
        FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[])) AS held (id, attempt)
        WHERE runs.id = held.id AND runs.attempt = held.attempt AND runs.status = 'running'
        RETURNING runs.id, runs.status
    )
    SELECT id FROM left_alone WHERE status = 'queued'
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


@dataclass(frozen=True, slots=True)
class Lease:
    """A run that is ours while `attempt` is the last one."""

    run_id: UUID
    attempt: int


async def claim(database: Database, run_id: UUID, *, worker: str, lease_seconds: float) -> RunRequest | None:
    """Take a queued run and return what it asks, or None if it is not to be had."""
    values = {"run_id": run_id, "worker": worker, "lease": lease_seconds, "depth": _DEPTH, "bytes": _BYTES}
    async with database.autocommit() as connection:
        row = (await connection.execute(_CLAIM, values)).one_or_none()
    return None if row is None else _request(row)


async def find_queued(database: Database) -> UUID | None:
    """Return the run that has waited longest, for workers that nobody can wake."""
    async with database.autocommit() as connection:
        found: UUID | None = await connection.scalar(_QUEUED)
    return found


async def renew(database: Database, leases: Collection[Lease], *, lease_seconds: float) -> dict[UUID, bool]:
    """Renew leases; returns those that are still ours, and whether each is to be cancelled."""
    async with database.autocommit() as connection:
        rows = await connection.execute(_RENEW, _columns(leases) | {"lease": lease_seconds})
        return {row.id: row.cancelled for row in rows}


async def find_cancelled(database: Database, run_ids: Collection[UUID]) -> list[UUID]:
    """Return those of the runs that are to be cancelled."""
    async with database.autocommit() as connection:
        return list(await connection.scalars(_CANCELLED, {"ids": list(run_ids)}))


async def hand_over(database: Database, leases: Collection[Lease]) -> list[UUID]:
    """Give runs back to be claimed by another worker; returns those that were still ours and can be."""
    async with database.autocommit() as connection:
        return list(await connection.scalars(_HAND_OVER, _columns(leases)))


async def keep_texts(database: Database, texts: dict[Lease, str]) -> None:
    """Store the text so far of runs that are still ours."""
    async with database.autocommit() as connection:
        await connection.execute(_KEEP_TEXTS, _columns(texts) | {"texts": list(texts.values())})


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
