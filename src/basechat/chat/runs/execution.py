"""The execution of one run by one attempt: make the answer, then end the run by one statement."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from basechat.chat.messages import RUN_COLUMNS, SIBLINGS, Document, last_event, message_document
from basechat.chat.runs.answer import RUN_SECONDS, Answer, Answerer, AnswerError, LostRunError, Paused, RunRequest
from basechat.chat.runs.lease import Lease, pause
from basechat.chat.runs.tools.ledger import CALLS, TOOLS_USED
from basechat.infra.db import Database, retry_transient
from basechat.infra.events.run_log import RunLog
from basechat.kit import json
from basechat.kit.ids import new_id

log = logging.getLogger(__name__)

# The row of the chat is locked before the row of the run, as in `accept`. In the other order, a message that arrives
# now and this statement would wait for each other.
# All parts of the statement see the tables as they were before it. So the new message comes from the result of its
# update. An answer is the first of its chat if no run is completed before the statement.
_FINISH = text(f"""
    WITH chat AS (
        UPDATE chat_sessions SET updated_at = now() FROM runs o
        WHERE o.id = :run_id AND o.attempt = :attempt AND o.status = 'running' AND chat_sessions.id = o.session_id
        RETURNING chat_sessions.id, chat_sessions.temporary
    ), r AS (
        UPDATE runs SET status = :status, finished_at = now(), lease_until = NULL,
               error_code = :error_code, error_detail = :error_detail
        FROM chat
        WHERE runs.id = :run_id AND attempt = :attempt AND status = 'running' AND session_id = chat.id
        RETURNING runs.*
    ), m AS (
        UPDATE messages SET content = :content, tokens_used = :tokens_used, model_used = :model_used,
               mcp_tools_used = {TOOLS_USED}, meta_info = CAST(:meta_info AS jsonb) || {CALLS}
        FROM r WHERE messages.id = r.message_id RETURNING messages.*
    ), kept_text AS (
        DELETE FROM run_texts USING r WHERE run_texts.run_id = r.id
    ), follower AS (
        UPDATE runs SET after_run_id = NULL FROM r WHERE runs.after_run_id = r.id RETURNING runs.id
    ), title AS (
        INSERT INTO jobs (id, owner_id, kind, payload)
        SELECT :job_id, r.owner_id, 'title', jsonb_build_object('run_id', r.id) FROM r, chat
        WHERE :titled AND r.status = 'completed' AND NOT chat.temporary AND NOT EXISTS (
            SELECT FROM runs p WHERE p.session_id = chat.id AND p.status = 'completed'
        )
        RETURNING id
    )
    SELECT m.*, {SIBLINGS}, {RUN_COLUMNS}, (SELECT id FROM follower) AS follower_id,
           EXISTS (SELECT FROM title) AS has_jobs
    FROM m, r
""")  # noqa: S608 - composed of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ends."""

    status: Literal["completed", "cancelled", "failed"]
    content: str
    answer: Answer | None = None
    error_code: str | None = None
    error_detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """The stored answer, the run that waited for this one, and whether a job was added."""

    message: Document
    follower_id: UUID | None
    has_jobs: bool


class Execution:
    """One run that this worker executes.

    A separate task makes the answer, so that stopping it never cancels the statement that ends the run.
    """

    def __init__(
        self, request: RunRequest, run_log: RunLog, *, database: Database, answerer: Answerer, titled: bool
    ) -> None:
        self.lease = Lease(request.run_id, request.attempt)
        self.log = run_log
        self.kept_length = 0
        self.has_jobs = False
        self._titled = titled
        self._database = database
        self._is_cancelled: bool | None = None
        self._answering = asyncio.create_task(_answer_in_time(answerer, request, run_log))

    def stop(self, *, is_cancelled: bool) -> None:
        # Stop making the answer. The first call decides whether the run ends or another attempt continues it.
        if self._is_cancelled is None:
            self._is_cancelled = is_cancelled
        self._answering.cancel()

    async def run(self) -> UUID | None:
        # Make the answer, then end or pause the run. Returns the run that a worker can claim next.
        await asyncio.wait({self._answering})
        if not self._is_paused:
            return await self._finish(self._ending())
        status = await retry_transient(lambda: pause(self._database, self.lease, self.log.text))
        if status == "cancelled":
            return await self._finish(Ending(status="cancelled", content=self.log.text))
        return self.lease.run_id if status == "queued" else None

    @property
    def _is_paused(self) -> bool:
        answering = self._answering
        return not answering.cancelled() and answering.exception() is None and isinstance(answering.result(), Paused)

    def _ending(self) -> Ending | None:
        """None: a later attempt continues the run."""
        text = self.log.text
        if self.log.fenced:
            return None
        if self._answering.cancelled():
            return Ending(status="cancelled", content=text) if self._is_cancelled else None
        error = self._answering.exception()
        if error is None:
            return _completed(self._answering.result(), text)
        if isinstance(error, LostRunError):
            return None
        if isinstance(error, AnswerError):
            return _failed(text, error.code, error.detail)
        log.error("run %s failed", self.lease.run_id, exc_info=error)
        return _failed(text, "internal", "Something went wrong here. The cause was logged.")

    async def _finish(self, ending: Ending | None) -> UUID | None:
        if ending is None:
            return None
        try:
            finished = await finish_run(self._database, self.lease, ending, titled=self._titled)
        except DBAPIError:
            log.exception("can't store the answer of run %s", self.lease.run_id)
            ending = _failed("", "internal", "The answer could not be stored. The cause was logged.")
            finished = await finish_run(self._database, self.lease, ending)
        if finished is None:
            return None
        self.log.emit(last_event(finished.message))
        self.has_jobs = finished.has_jobs
        return finished.follower_id


async def finish_run(database: Database, lease: Lease, ending: Ending, *, titled: bool = False) -> FinishedRun | None:
    """End a run, with retries while the database is away: no worker can take over the run then.

    None: a later attempt owns the run. If chats are `titled`, the first answer of a chat adds a job for the title.
    """
    answer = ending.answer or Answer(model=None, tokens_used=None)
    values = {
        "run_id": lease.run_id,
        "attempt": lease.attempt,
        "status": ending.status,
        "content": ending.content,
        "tokens_used": answer.tokens_used,
        "model_used": answer.model,
        "meta_info": json.dumps(answer.meta_info).decode(),
        "error_code": ending.error_code,
        "error_detail": ending.error_detail,
        "titled": titled,
        "job_id": new_id(),
    }

    async def finish() -> FinishedRun | None:
        async with database.autocommit() as connection:
            row = (await connection.execute(_FINISH, values)).mappings().one_or_none()
        if row is None:
            return None
        return FinishedRun(message=message_document(row), follower_id=row["follower_id"], has_jobs=row["has_jobs"])

    return await retry_transient(finish)


async def _answer_in_time(answerer: Answerer, request: RunRequest, run_log: RunLog) -> Answer | Paused:
    try:
        async with asyncio.timeout(RUN_SECONDS) as bound:
            return await answerer(request, run_log)
    except TimeoutError:
        if not bound.expired():
            raise
        raise AnswerError("run.too_long", "The answer took longer than an hour.") from None


def _completed(answer: Answer | Paused, text: str) -> Ending:
    if isinstance(answer, Paused) or not text:
        return _failed(text, "provider.empty", "The model gave an empty answer.")
    return Ending(status="completed", content=text, answer=answer)


def _failed(text: str, code: str, detail: str) -> Ending:
    return Ending(status="failed", content=text, error_code=code, error_detail=detail)
