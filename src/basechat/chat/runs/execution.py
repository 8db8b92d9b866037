"""The execution of one run by one attempt: from the request to the one statement that ends it."""

import asyncio
import logging
from typing import Literal
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from basechat.chat.runs.answer import RUN_SECONDS, Answer, Answerer, AnswerError, LostRunError, Paused, RunRequest
from basechat.chat.runs.finish import Ending, EndStatus, Finished, finish
from basechat.chat.runs.lease import Lease
from basechat.chat.runs.pause import pause
from basechat.infra.db import Database, retry_transient
from basechat.infra.events.run_log import RunLog
from basechat.protocol import MessageCompleted, RunCancelled, RunFailed

log = logging.getLogger(__name__)

StopReason = Literal["cancelled", "lost", "handed over"]


class Execution:
    """One run in the hands of this worker.

    The answer is made by a task of its own, so that stopping it never cancels the statement that ends the run.
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
        self._stop_reason: StopReason | None = None
        self._answering = asyncio.create_task(_within_bounds(answerer, request, run_log))

    def stop(self, reason: StopReason) -> None:
        """Stop making the answer; closes the call of the model."""
        self._stop_reason = self._stop_reason or reason
        self._answering.cancel()

    async def run(self) -> UUID | None:
        """Wait for the answer and end the run, or let it wait; returns the run that is to be taken up next, if any."""
        await asyncio.wait({self._answering})
        if not self._is_paused:
            return await self._end(self._ending())
        status = await retry_transient(lambda: pause(self._database, self.lease, self.log.text))
        if status == "cancelled":
            return await self._end(Ending(status="cancelled", content=self.log.text))
        return self.lease.run_id if status == "queued" else None

    @property
    def _is_paused(self) -> bool:
        answering = self._answering
        return not answering.cancelled() and answering.exception() is None and isinstance(answering.result(), Paused)

    async def _end(self, ending: Ending | None) -> UUID | None:
        if ending is None:
            return None
        try:
            finished = await self._finish(ending)
        except DBAPIError:
            log.exception("the answer of run %s can't be stored", self.lease.run_id)
            ending = _failed("", "internal", "The answer could not be stored; the cause was logged.")
            finished = await self._finish(ending)
        if finished is None:
            return None
        self._tell(ending, finished)
        self.has_jobs = finished.has_jobs
        return finished.follower_id

    def _ending(self) -> Ending | None:
        text = self.log.text
        if self.log.fenced:
            return None
        if self._answering.cancelled():
            return Ending(status="cancelled", content=text) if self._stop_reason == "cancelled" else None
        error = self._answering.exception()
        if error is None:
            return _answered(self._answering.result(), text)
        if isinstance(error, LostRunError):
            return None
        if isinstance(error, AnswerError):
            return _failed(text, error.code, error.detail)
        log.error("run %s broke", self.lease.run_id, exc_info=error)
        return _failed(text, "internal", "Something went wrong here; it was logged.")

    async def _finish(self, ending: Ending) -> Finished | None:
        """End the run, as often as it takes: while the database is away, the lease is nobody's to take."""
        lease, titled = self.lease, self._titled
        return await retry_transient(lambda: finish(self._database, lease.run_id, lease.attempt, ending, titled=titled))

    def _tell(self, ending: Ending, finished: Finished) -> None:
        events: dict[EndStatus, MessageCompleted | RunCancelled | RunFailed] = {
            "completed": MessageCompleted(message=finished.message),
            "cancelled": RunCancelled(message=finished.message),
            "failed": RunFailed(
                code=ending.error_code or "", detail=ending.error_detail or "", message=finished.message
            ),
        }
        self.log.emit(events[ending.status])


async def _within_bounds(answerer: Answerer, request: RunRequest, run_log: RunLog) -> Answer | Paused:
    try:
        async with asyncio.timeout(RUN_SECONDS) as bound:
            return await answerer(request, run_log)
    except TimeoutError:
        if not bound.expired():
            raise
        raise AnswerError("run.too_long", "The answer took longer than an hour.") from None


def _answered(answer: Answer | Paused, text: str) -> Ending:
    if isinstance(answer, Paused) or not text:
        return _failed(text, "provider.empty", "The model gave an empty answer.")
    return Ending(status="completed", content=text, answer=answer)


def _failed(text: str, code: str, detail: str) -> Ending:
    return Ending(status="failed", content=text, error_code=code, error_detail=detail)
