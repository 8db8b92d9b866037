"""Watch a run: the live log from any event on. PostgreSQL ends the stream if the log is silent or lost."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from uuid import UUID

from basechat.chat.messages import Document, find_messages, last_event
from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.infra.events.entry import RunLogEntry, order
from basechat.infra.events.tail import EventTail, Subscription
from basechat.infra.redis import REDIS_ERRORS
from basechat.kit import json, sse
from basechat.kit.errors import FieldError, InvalidRequestError
from basechat.protocol import LAST_EVENTS, ApprovalAsked, MessageReset, RunEvent

log = logging.getLogger(__name__)

SILENCE_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 15.0
_END = {"completed", "cancelled", "failed"}


class Watcher:
    """One viewer of one run."""

    def __init__(self, database: Database, tail: EventTail, owner_id: UUID, run: Document) -> None:
        self._database = database
        self._tail = tail
        self._owner_id = owner_id
        self._run_id: UUID = run["id"]
        self._message_id: UUID = run["message_id"]
        self._last_id = "0-0"
        self._ended = False
        self._sent_approvals: set[str] = set()

    async def from_start(self, started: RunLogEntry) -> AsyncGenerator[bytes]:
        yield self._encode(started)
        with self._tail.follow(self._run_id, after=started.id) as subscription:
            async for piece in self._follow(subscription):
                yield piece

    async def after(self, last_id: str) -> AsyncGenerator[bytes]:
        self._last_id = last_id
        with self._tail.follow(self._run_id, after=last_id) as subscription:
            is_lost = False
            try:
                seen = 0
                while entries := await subscription.replay():
                    seen += len(entries)
                    for entry in entries:
                        yield self._encode(entry)
                is_lost = not seen and not self._ended and not await self._tail.holds(self._run_id, last_id)
            except REDIS_ERRORS as error:
                # The stored text may be older than `last_id`, and the log may continue after `last_id`: only a log
                # that is lost for certain is replaced by the stored text.
                log.warning("can't replay a live log: %s", error)
                subscription.miss()
            if is_lost:
                for piece in await self._from_rows():
                    yield piece
            async for piece in self._follow(subscription):
                yield piece

    async def _follow(self, subscription: Subscription) -> AsyncGenerator[bytes]:
        """Yield new events until the end. After two seconds without an event, read the rows."""
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        while not self._ended:
            entries = await self._next(subscription)
            for entry in entries:
                yield self._encode(entry)
            if entries:
                sent_at = loop.time()
                continue
            for piece in await self._check_rows():
                yield piece
            if loop.time() - sent_at >= KEEP_ALIVE_SECONDS:
                sent_at = loop.time()
                yield sse.KEEP_ALIVE

    async def _next(self, subscription: Subscription) -> list[RunLogEntry]:
        try:
            return await subscription.next(timeout=SILENCE_SECONDS)
        except REDIS_ERRORS as error:
            log.warning("can't follow a live log: %s", error)
            await asyncio.sleep(SILENCE_SECONDS)
            return []

    async def _check_rows(self) -> list[bytes]:
        """The end of the run, or its approvals, in case the log lost them."""
        try:
            message = await self._find_answer()
        except DATABASE_ERRORS as error:
            log.warning("can't read whether a run has ended: %s", error)
            return []
        if message is None or message["run"]["status"] in _END:
            return self._closing(message)
        return self._approvals(message)

    async def _from_rows(self) -> list[bytes]:
        """The stored text and the end, if any, in place of a lost log."""
        message = await self._find_answer()
        if message is None or message["run"]["status"] in _END:
            return self._closing(message)
        texts = [self._stored(MessageReset(text=message["content"]))] if message["content"] else []
        return [*texts, *self._approvals(message)]

    async def _find_answer(self) -> Document | None:
        async with self._database.owner_transaction(self._owner_id) as connection:
            return (await find_messages(connection, [self._message_id])).get(self._message_id)

    def _approvals(self, message: Document) -> list[bytes]:
        """The pending approvals that this viewer has not received."""
        new = [each for each in message["run"]["approvals"] if each["call_id"] not in self._sent_approvals]
        self._sent_approvals.update(each["call_id"] for each in new)
        return [self._stored(ApprovalAsked(**each)) for each in new]

    def _closing(self, message: Document | None) -> list[bytes]:
        self._ended = True
        if message is None:  # purged with its chat
            return []
        return [self._stored(MessageReset(text=message["content"])), self._stored(last_event(message))]

    def _stored(self, event: RunEvent) -> bytes:
        """Encode an event that is not in the log, under the id of the last entry sent."""
        return sse.encode(event.event, json.dumps(event), self._last_id)

    def _encode(self, entry: RunLogEntry) -> bytes:
        self._last_id = entry.id
        self._ended = entry.event in LAST_EVENTS
        if entry.event == ApprovalAsked.event:
            self._sent_approvals.add(json.loads(entry.data)["call_id"])
        return sse.encode(entry.event, entry.data, entry.id)


def check_event_id(run: Document, last_id: str | None) -> str:
    if last_id is None:
        return "0-0"
    try:
        known = order(last_id)[0] <= run["attempt"] + 1  # cancelling a queued run writes an event of the next attempt
    except ValueError:
        known = False
    if not known:
        problem = FieldError(field="last-event-id", detail="This run never had such an event.")
        raise InvalidRequestError("Some fields are invalid.", code="event.not_found", errors=[problem])
    return last_id
