"""Writes the logs of all runs of one worker: one pipeline carries the new entries of all."""

import asyncio
import logging
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import UUID

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from basechat.infra.encryption import Encryptor
from basechat.infra.events.entry import KEPT_AFTER_END, KEPT_AT_MOST, fields, log_key, order
from basechat.infra.events.run_log import RunLog
from basechat.infra.redis import REDIS_ERRORS, Pipeline, Redis, as_bytes

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.025
_RETRY_SECONDS = 0.5


class LogWriter:
    """Sends `RunLog`s to redis-state: the first text of each at once, later text gathered for 25 ms.

    It has its own connection. After a reconnect the server may have lost its last second, so every open log continues
    with a `message.reset`. Entries are never sent again: an old entry could follow a gap.
    """

    def __init__(self, redis: Redis, encryptor: Encryptor) -> None:
        """`redis` has one connection and no retries."""
        self._redis = redis
        self._encryptor = encryptor
        self._open: dict[UUID, RunLog] = {}
        self._dirty: dict[RunLog, None] = {}  # in order; of one run there may be two attempts
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._connections = 0
        redis.connection_pool.connection_kwargs["redis_connect_func"] = self._connected

    def open(self, run_id: UUID, attempt: int) -> RunLog:
        # Open the log of an attempt. An earlier attempt that this worker still executes can't write any more.
        if (former := self._open.get(run_id)) is not None:
            former.fenced = True  # otherwise it could create a lost log again, unnoticed by the later attempt
        run_log = RunLog(run_id, attempt, touch=self._touch)
        self._open[run_id] = run_log
        return run_log

    def close(self, run_log: RunLog) -> None:
        if self._open.get(run_log.run_id) is run_log:
            del self._open[run_log.run_id]

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        sent_at = 0.0
        while True:
            await self._wake.wait()
            self._wake.clear()
            rest = sent_at + GATHER_SECONDS - loop.time()
            if rest > 0 and not self._urgent.is_set():
                await _wait_at_most(self._urgent, rest)
            self._urgent.clear()
            sent_at = loop.time()
            dirty, self._dirty = self._dirty, {}
            if not await self._send(list(dirty)):
                await asyncio.sleep(_RETRY_SECONDS)

    async def drain(self, *, timeout: float) -> None:
        """Wait until all entries are sent, at most `timeout` seconds."""
        await _wait_at_most(self._idle, timeout)

    def _touch(self, run_log: RunLog, urgent: bool) -> None:
        self._dirty[run_log] = None
        self._idle.clear()
        self._wake.set()
        if urgent:
            self._urgent.set()

    async def _connected(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        self._connections += 1
        if self._connections > 1:
            for run_log in self._open.values():
                run_log.lose()

    async def _send(self, logs: list[RunLog]) -> bool:
        """Append new entries; returns whether Redis accepted them."""
        sent: list[tuple[RunLog, int, int]] = [(run_log, 0, 0) for run_log in logs if not run_log.fenced]
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                # If this reconnects, `_connected` marks the open logs before any entry is taken.
                pipeline.connection = await self._redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
                sent = [(run_log, *_append(pipeline, run_log, self._encryptor)) for run_log, _, _ in sent]
                answers = iter(await pipeline.execute(raise_on_error=False))
            taken = [
                await self._check(run_log, list(islice(answers, entries)), list(islice(answers, others)))
                for run_log, entries, others in sent
            ]
        except REDIS_ERRORS as error:
            log.warning("live logs can't be written: %s", error)
            for run_log, _, _ in sent:
                if not run_log.ended:  # PostgreSQL has the text of an ended log
                    run_log.lose()
            return False
        if not self._dirty:
            self._idle.set()
        return all(taken)

    async def _check(self, run_log: RunLog, appended: list[Any], _others: list[Any]) -> bool:
        """Check the replies to the entries of one log: nil means that the log was lost."""
        refusal = next((answer for answer in appended if isinstance(answer, ResponseError)), None)
        if refusal is not None:
            await self._refused(run_log, refusal)
            return run_log.fenced
        if None in appended:
            run_log.lose()
        else:
            run_log.confirm()
        return True

    async def _refused(self, run_log: RunLog, refusal: ResponseError) -> None:
        """Find out whether a later attempt has written already."""
        top = await self._redis.xrevrange(log_key(run_log.run_id), count=1)
        if top and order(as_bytes(top[0][0]).decode())[0] > run_log.attempt:
            run_log.fenced = True
            return
        log.warning("run %s: Redis refused an entry: %s", run_log.run_id, refusal)
        run_log.lose()


def _append(pipeline: Pipeline, run_log: RunLog, encryptor: Encryptor) -> tuple[int, int]:
    """Add a log's new entries to the pipeline; returns the numbers of entries and of other commands."""
    restarts = run_log.restarts
    entries = run_log.take()
    key = log_key(run_log.run_id)
    for number, entry in enumerate(entries):
        pipeline.xadd(key, fields(entry, key, encryptor), id=entry.id, nomkstream=not (restarts and number == 0))
    if entries and (restarts or run_log.ended):
        pipeline.expire(key, KEPT_AFTER_END if run_log.ended else KEPT_AT_MOST)
        return len(entries), 1
    return len(entries), 0


async def _wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Wait without `wait_for`, which in Python 3.11 may swallow a cancellation at the moment of the event."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
