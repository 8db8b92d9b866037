"""The pause of a run: it waits for approvals in PostgreSQL, without a worker and without a lease."""

from typing import Literal

from sqlalchemy import text

from basechat.chat.runs.lease import Lease
from basechat.infra.db import Database

# The run is locked by a statement of its own, so that the next one sees what was approved until then.
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
_CANCELLED = text("""
    SELECT cancel_requested_at IS NOT NULL FROM runs
    WHERE id = :run_id AND attempt = :attempt AND status = 'running'
""")

Paused = Literal["waiting", "queued", "cancelled", "lost"]


async def pause(database: Database, lease: Lease, content: str) -> Paused:
    """Let a run wait with its text so far; `queued` where all was decided meanwhile, `cancelled` where it is to end."""
    values = {"run_id": lease.run_id, "attempt": lease.attempt}
    async with database.system_transaction() as connection:
        await connection.execute(_LOCK, values)
        status: Paused | None = await connection.scalar(_PAUSE, values | {"content": content})
        if status is not None:
            return status
        return "cancelled" if await connection.scalar(_CANCELLED, values) else "lost"
