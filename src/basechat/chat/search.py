"""Queries about messages and runs that other features need."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

SNIPPET = 300

# Reads every message of the owner; the caller bounds it by a statement timeout. Once jobs write the word index
# `message_index`, a query on it replaces this statement.
# The message of the current run and its answer are left out. `position` misses some matches of ILIKE; their snippet
# starts at 1.
_SEARCH = text(f"""
    SELECT m.id, m.session_id, m.role, m.created_at, c.title,
           substring(m.content FROM CAST(s.start AS integer) FOR {SNIPPET}) AS snippet,
           s.start > 1 AS cut_before, length(m.content) >= s.start + {SNIPPET} AS cut_after
    FROM (
        SELECT m.* FROM messages m JOIN chat_sessions c ON c.id = m.session_id
        WHERE m.owner_id = :owner AND m.role IN ('user', 'assistant') AND c.is_active AND NOT c.temporary
          AND m.content ILIKE ALL (CAST(:patterns AS text[]))
          AND NOT EXISTS (SELECT FROM runs r WHERE r.id = :run_id AND m.id IN (r.user_message_id, r.message_id))
        ORDER BY m.created_at DESC, m.id DESC LIMIT :limit
    ) m
    JOIN chat_sessions c ON c.id = m.session_id
    CROSS JOIN LATERAL (
        SELECT greatest(1, position(lower(CAST(:first AS text)) IN lower(m.content)) - {SNIPPET // 3}) AS start
    ) s
    ORDER BY m.created_at DESC, m.id DESC
""")  # noqa: S608 - composed of the constant above
_ENDED = text("SELECT id FROM runs WHERE id = ANY(:ids) AND finished_at < now() - CAST(:age AS interval)")


async def search_messages(
    connection: AsyncConnection,
    owner_id: UUID,
    patterns: Sequence[str],
    *,
    first_word: str,
    limit: int,
    without_run: UUID | None = None,
) -> Sequence[Row[Any]]:
    # Messages that match all ILIKE patterns, newest first, each with a snippet around the first word.
    values = {"owner": owner_id, "run_id": without_run, "patterns": list(patterns), "first": first_word, "limit": limit}
    return (await connection.execute(_SEARCH, values)).all()


async def list_ended_runs(connection: AsyncConnection, run_ids: Collection[UUID], *, age: timedelta) -> list[UUID]:
    return list(await connection.scalars(_ENDED, {"ids": list(run_ids), "age": age}))
