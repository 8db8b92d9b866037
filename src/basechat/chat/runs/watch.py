"""Watching a run: its log from any point on, closed from PostgreSQL where the log is silent or gone."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from uuid import UUID

from basechat.chat.documents import Document
from basechat.chat.history import get_messages
from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.infra.events.entry import Entry, order
from basechat.infra.events.tail import Subscription
from basechat.infra.redis import REDIS_ERRORS
from basechat.infra.resources import Resources
from basechat.kit import json, sse
from basechat.kit.errors import FieldError, InvalidRequestError
from basechat.protocol import (
    LAST_EVENTS,
    ApprovalAsked,
    MessageCompleted,
    MessageReset,
    RunCancelled,
    RunEvent,
    RunFailed,
)

log = logging.getLogger(__name__)

SILENCE_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 15.0
_END = {"completed", "cancelled", "failed"}


class Watcher:
    """One viewer of one run."""

    def __init__(self, resources: Resources, owner_id: UUID, run: Document) -> None:
        self._resources = resources
        self._owner_id = owner_id
        self._run_id: UUID = run["id"]
        self._message_id: UUID = run["message_id"]
        self._last_id = "0-0"
        self._ended = False
        self._asked: set[str] = set()

    async def from_start(self, started: Entry) -> AsyncGenerator[bytes]:
        """Yield the events of a run that was just accepted; nothing of it can have been missed."""
        yield self._encode(started)
        with self._resources.tail.follow(self._run_id, after=started.id) as subscription:
            async for piece in self._follow(subscription):
                yield piece

    async def after(self, last_id: str) -> AsyncGenerator[bytes]:
        """Yield the events after one that was seen: what the log holds, then what comes."""
        self._last_id = last_id
        with self._resources.tail.follow(self._run_id, after=last_id) as subscription:
            is_lost = False
            try:
                seen = 0
                while entries := await subscription.replay():
                    seen += len(entries)
                    for entry in entries:
                        yield self._encode(entry)
                is_lost = not seen and not self._ended and not await self._resources.tail.holds(self._run_id, last_id)
            except REDIS_ERRORS as error:
                # The stored text may be older than `last_id`, and the log may continue after `last_id`: only a log
                # that is lost for certain is replaced by the stored text.
                log.warning("a log can't be replayed: %s", error)
                subscription.miss()
            if is_lost:
                for piece in await self._from_rows():
                    yield piece
            async for piece in self._follow(subscription):
                yield piece

    async def _follow(self, subscription: Subscription) -> AsyncGenerator[bytes]:
        """Yield what comes until the end. After two seconds of silence the rows say what the log did not."""
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        while not self._ended:
            entries = await self._next(subscription)
            for entry in entries:
                yield self._encode(entry)
            if entries:
                sent_at = loop.time()
                continue
            for piece in await self._if_silent():
                yield piece
            if loop.time() - sent_at >= KEEP_ALIVE_SECONDS:
                sent_at = loop.time()
                yield sse.KEEP_ALIVE

    async def _next(self, subscription: Subscription) -> list[Entry]:
        try:
            return await subscription.next(timeout=SILENCE_SECONDS)
        except REDIS_ERRORS as error:
            log.warning("a log can't be followed: %s", error)
            await asyncio.sleep(SILENCE_SECONDS)
            return []

    async def _if_silent(self) -> list[bytes]:
        """Return the end of a run that has ended, or what one that waits asks for, where the log was lost with it."""
        try:
            message = await get_answer(self._resources.database, self._owner_id, self._message_id)
        except DATABASE_ERRORS as error:
            log.warning("whether a run has ended can't be read: %s", error)
            return []
        if message is None or message["run"]["status"] in _END:
            return self._closing(message)
        return self._approvals(message)

    async def _from_rows(self) -> list[bytes]:
        """Return the stored text, and the end if there is one, in place of a log that is not there."""
        message = await get_answer(self._resources.database, self._owner_id, self._message_id)
        if message is None or message["run"]["status"] in _END:
            return self._closing(message)
        texts = [self._stored(MessageReset(text=message["content"]))] if message["content"] else []
        return [*texts, *self._approvals(message)]

    def _approvals(self, message: Document) -> list[bytes]:
        """Return what waits for this viewer's answer and was not told yet."""
        fresh = [each for each in message["run"]["approvals"] if each["call_id"] not in self._asked]
        self._asked.update(each["call_id"] for each in fresh)
        return [self._stored(ApprovalAsked(**each)) for each in fresh]

    def _closing(self, message: Document | None) -> list[bytes]:
        self._ended = True
        if message is None:  # purged with its chat
            return []
        return [self._stored(MessageReset(text=message["content"])), self._stored(_end_event(message))]

    def _stored(self, event: RunEvent) -> bytes:
        """Encode what is no entry of the log, under the id of the last entry that was sent."""
        return sse.encode(event.event, json.dumps(event), self._last_id)

    def _encode(self, entry: Entry) -> bytes:
        self._last_id = entry.id
        self._ended = entry.event in LAST_EVENTS
        if entry.event == ApprovalAsked.event:
            self._asked.add(json.loads(entry.data)["call_id"])
        return sse.encode(entry.event, entry.data, entry.id)


async def get_answer(database: Database, owner_id: UUID, message_id: UUID) -> Document | None:
    """Return an answer with its run, or None if it is gone."""
    async with database.owner_transaction(owner_id) as connection:
        return (await get_messages(connection, [message_id])).get(message_id)


def check_event_id(run: Document, last_id: str | None) -> str:
    """Return the id after which to watch; raises `InvalidRequestError` for one that never was."""
    if last_id is None:
        return "0-0"
    try:
        known = order(last_id)[0] <= run["attempt"] + 1  # who cancels a queued run writes the end of it
    except ValueError:
        known = False
    if not known:
        problem = FieldError(field="last-event-id", detail="This run never had such an event.")
        raise InvalidRequestError("Some fields are invalid.", code="event.not_found", errors=[problem])
    return last_id


def _end_event(message: Document) -> RunEvent:
    run = message["run"]
    if run["status"] == "completed":
        return MessageCompleted(message=message)
    if run["status"] == "cancelled":
        return RunCancelled(message=message)
    return RunFailed(code=run["error"]["code"], detail=run["error"]["detail"], message=message)
