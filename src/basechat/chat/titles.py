"""Titles of chats: after the first answer, a job asks the model for one, unless a person has named the chat."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row, text

from basechat.chat.jobs.queue import Job, PermanentJobError
from basechat.chat.runs.answer import AnswerError
from basechat.identity.sql import MODEL_PREFERENCES
from basechat.infra.db import Database
from basechat.kit.text import first_line

TITLE_JOB = "title"
"""The kind of the job; `runs/execution.py` inserts it."""

# A retry may help after these errors only.
_TRANSIENT = {
    "model.cut", "model.unavailable", "provider.cut", "provider.error", "provider.rate_limited", "provider.silent",
    "provider.unreachable",
}  # fmt: skip

_FIND = text(f"""
    SELECT c.id AS chat_id, c.title, r.id AS run_id, r.owner_id, r.attempt, q.content AS question, a.content AS answer,
           coalesce(r.request ->> 'model', c.model_name, p.default_model) AS model,
           ARRAY(SELECT m.content FROM messages m WHERE m.session_id = c.id AND m.parent_id IS NULL) AS beginnings
    FROM runs r JOIN chat_sessions c ON c.id = r.session_id AND c.is_active
    JOIN messages q ON q.id = r.user_message_id JOIN messages a ON a.id = r.message_id
    LEFT JOIN ({MODEL_PREFERENCES}) p ON p.user_id = r.owner_id
    WHERE r.id = :run_id
""")  # noqa: S608 - composed of a constant

# A person may have renamed the chat in the meantime, and a later attempt may own the job.
_STORE = text("""
    UPDATE chat_sessions SET title = :title FROM jobs j
    WHERE j.id = :job_id AND j.attempt = :attempt AND j.status = 'running'
    AND chat_sessions.id = :chat_id AND chat_sessions.title = :old_title
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The first question and answer of a chat, and the run that made the answer."""

    run_id: UUID
    owner_id: UUID
    attempt: int
    model: str | None
    question: str
    answer: str


class Titler(Protocol):
    """Writes titles. Raises `AnswerError` if the model does not answer."""

    def __call__(self, exchange: Exchange) -> Coroutine[Any, Any, str | None]:
        """A title of one line; None if the model wrote something else."""


class TitleJobs:
    """Handles jobs of the kind `title`."""

    def __init__(self, database: Database, titler: Titler) -> None:
        self._database = database
        self._titler = titler

    async def __call__(self, job: Job) -> None:
        """Name a chat whose title is still its first line."""
        found = await self._find(job)
        if found is None or found.title not in {first_line(content) for content in found.beginnings}:
            return
        try:
            title = await self._titler(_exchange(found))
        except AnswerError as error:
            if error.code in _TRANSIENT:
                raise
            raise PermanentJobError(error.detail) from error
        if title is not None:
            await self._store(job, found, title)

    async def _find(self, job: Job) -> Row[Any] | None:
        async with self._database.autocommit() as connection:
            return (await connection.execute(_FIND, {"run_id": job.payload["run_id"]})).one_or_none()

    async def _store(self, job: Job, found: Row[Any], title: str) -> None:
        values = {"job_id": job.id, "attempt": job.attempt, "chat_id": found.chat_id, "old_title": found.title}
        async with self._database.autocommit() as connection:
            await connection.execute(_STORE, values | {"title": title})


def _exchange(row: Row[Any]) -> Exchange:
    return Exchange(
        run_id=row.run_id,
        owner_id=row.owner_id,
        attempt=row.attempt,
        model=row.model,
        question=row.question,
        answer=row.answer,
    )
