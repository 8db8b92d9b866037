"""Cancel a run: a run without a worker ends here, the worker of a running one gets a request to stop."""

import logging
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from basechat.chat.messages import find_messages
from basechat.chat.runs.tools.ledger import CALLS, TOOLS_USED
from basechat.infra.db import Database
from basechat.infra.encryption import Encryptor
from basechat.infra.events.entry import begin_log, to_entry
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.infra.redis.signals import add_wake, announce_cancel
from basechat.kit.errors import NotFoundError
from basechat.protocol import RunCancelled

log = logging.getLogger(__name__)

# A separate statement locks the run, so that the next one sees the text of a pause that has just ended.
_LOCK = text("SELECT FROM runs WHERE id = :run_id AND owner_id = :owner_id FOR UPDATE")

_CANCEL = text(f"""
    WITH active AS (
        SELECT id, after_run_id FROM runs
        WHERE id = :run_id AND owner_id = :owner_id AND status IN ('queued', 'running', 'waiting') FOR UPDATE
    ), r AS (
        UPDATE runs SET cancel_requested_at = coalesce(cancel_requested_at, now()), after_run_id = NULL,
               status = CASE WHEN status = 'running' THEN status ELSE 'cancelled' END,
               finished_at = CASE WHEN status = 'running' THEN NULL ELSE now() END
        FROM active WHERE runs.id = active.id
        RETURNING runs.id, runs.message_id, runs.status, runs.attempt, active.after_run_id
    ), kept AS (
        UPDATE messages m SET content = coalesce(t.content, m.content), mcp_tools_used = {TOOLS_USED},
               meta_info = m.meta_info || {CALLS}
        FROM r LEFT JOIN run_texts t ON t.run_id = r.id
        WHERE m.id = r.message_id AND r.status = 'cancelled'
    ), follower AS (
        UPDATE runs SET after_run_id = r.after_run_id FROM r
        WHERE runs.after_run_id = r.id AND r.status = 'cancelled' RETURNING runs.id, runs.after_run_id
    )
    SELECT r.*, (SELECT id FROM follower WHERE after_run_id IS NULL) AS follower_id FROM r
""")  # noqa: S608 - composed of constants
_EXISTS = text("SELECT EXISTS (SELECT FROM runs WHERE id = :run_id AND owner_id = :owner_id)")


async def cancel_run(database: Database, state: Redis, encryptor: Encryptor, owner_id: UUID, run_id: UUID) -> None:
    """Cancel a run; a run that has ended does not change. Raises `NotFoundError` for a run of another owner."""
    values = {"run_id": run_id, "owner_id": owner_id}
    async with database.owner_transaction(owner_id) as connection:
        await connection.execute(_LOCK, values)
        run = (await connection.execute(_CANCEL, values)).one_or_none()
        if run is None:
            if not await connection.scalar(_EXISTS, values):
                raise NotFoundError("There is no such run.", code="run.not_found")
            return
        is_ended = run.status == "cancelled"
        messages = await find_messages(connection, [run.message_id]) if is_ended else {}
    try:
        if is_ended:
            await _end_log(state, encryptor, run, RunCancelled(message=messages[run.message_id]))
        else:
            await announce_cancel(state, run_id)
    except REDIS_ERRORS as error:
        log.warning("run %s is cancelled in PostgreSQL only: %s", run_id, error)


async def _end_log(state: Redis, encryptor: Encryptor, run: Row[Any], event: RunCancelled) -> None:
    """Write the last event of a run, which no attempt writes to now, and wake a worker for its follower."""
    async with state.pipeline(transaction=False) as pipeline:
        begin_log(pipeline, run.id, to_entry(f"{run.attempt + 1}-1", event), encryptor)
        if run.follower_id is not None:
            add_wake(pipeline, run.follower_id)
        await pipeline.execute()
