"""Cancelling a run: one that nobody works on ends in the statement, a running one is told to stop."""

import logging
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from basechat.chat.history import get_messages
from basechat.chat.runs.tools.ledger import CALLS, TOOLS_USED
from basechat.infra.cancels import announce_cancel
from basechat.infra.events.entry import begin_log, to_entry
from basechat.infra.queue import add_wake
from basechat.infra.redis import REDIS_ERRORS
from basechat.infra.resources import Resources
from basechat.kit.errors import NotFoundError
from basechat.protocol import RunCancelled

log = logging.getLogger(__name__)

# The run is locked by a statement of its own, so that the next one sees the text with which it was paused just now.
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


async def cancel_run(resources: Resources, owner_id: UUID, run_id: UUID) -> None:
    """Cancel a run; one that has ended stays as it ended. Raises `NotFoundError` for somebody else's."""
    values = {"run_id": run_id, "owner_id": owner_id}
    async with resources.database.owner_transaction(owner_id) as connection:
        await connection.execute(_LOCK, values)
        run = (await connection.execute(_CANCEL, values)).one_or_none()
        if run is None and not await connection.scalar(_EXISTS, values):
            raise NotFoundError("There is no such run.", code="run.not_found")
    if run is None:
        return
    try:
        if run.status == "running":
            await announce_cancel(resources.state, run_id)
        else:
            await _tell(resources, owner_id, run)
    except REDIS_ERRORS as error:
        log.warning("the cancelling of run %s is told by its row alone: %s", run_id, error)


async def _tell(resources: Resources, owner_id: UUID, run: Row[Any]) -> None:
    """Write the last event of a run that no attempt will write to again, and wake what waited for it."""
    async with resources.database.owner_transaction(owner_id) as connection:
        message = (await get_messages(connection, [run.message_id]))[run.message_id]
    async with resources.state.pipeline(transaction=False) as pipeline:
        begin_log(
            pipeline, run.id, to_entry(f"{run.attempt + 1}-1", RunCancelled(message=message)), resources.encryptor
        )
        if run.follower_id is not None:
            add_wake(pipeline, run.follower_id)
        await pipeline.execute()
