"""Summaries of branches: kept under the last message they cover, for every branch that goes through it."""

import logging

from sqlalchemy import text

from basechat.chat.runs.answer import RunRequest
from basechat.infra.db import DATABASE_ERRORS, Database

log = logging.getLogger(__name__)

# Where another branch has told the same part meanwhile, all go on with that: nothing changes, its row is returned.
_KEEP = text("""
    INSERT INTO context_summaries (message_id, owner_id, content)
    SELECT m.id, m.owner_id, :content FROM messages m
    JOIN runs r ON r.session_id = m.session_id AND r.owner_id = m.owner_id
    WHERE m.id = :message_id AND r.id = :run_id AND r.attempt = :attempt AND r.status = 'running'
    ON CONFLICT (message_id) DO UPDATE SET content = context_summaries.content RETURNING content
""")


class StoredSummaries:
    """Keeps summaries in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, request: RunRequest, message_id: str, content: str) -> str:
        """Keep a summary, if the run is still its attempt's; returns the one that holds.

        An answer does not wait for the database: without it, the next one tells the chat anew.
        """
        values = {
            "message_id": message_id,
            "content": content,
            "run_id": request.run_id,
            "attempt": request.attempt,
        }
        try:
            async with self._database.autocommit() as connection:
                kept: str | None = await connection.scalar(_KEEP, values)
        except DATABASE_ERRORS as error:
            log.warning("run %s: a summary can't be kept: %s", request.run_id, error)
            return content
        return content if kept is None else kept
