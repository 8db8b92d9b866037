"""Follows the logs of many runs with one blocking read, for any number of viewers."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from basechat.infra.encryption import Encryptor
from basechat.infra.events.entry import RunLogEntry, log_key, order, read_entries
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.kit.ids import new_id

log = logging.getLogger(__name__)

_BLOCK_MS = 1000
_RETRY_SECONDS = 0.5
_BUFFERED = 1000  # entries; a slower viewer reads the log again
_BUFFERED_BYTES = 262_144
_FIRST_PAGE, _PAGE = 8, 500  # entries
_TAIL_PAGE = 50  # entries of each log


class Subscription:
    """The entries of one run's log for one viewer: in order, each once."""

    def __init__(self, tail: "EventTail", run_id: UUID, after: str) -> None:
        self.run_id = run_id
        self._tail = tail
        self._last = order(after)
        self._buffer: deque[RunLogEntry] = deque()
        self._buffered_bytes = 0
        self._page = _FIRST_PAGE
        self._overflowed = False
        self._arrived = asyncio.Event()

    async def next(self, *, timeout: float) -> list[RunLogEntry]:
        """Wait for new entries; returns an empty list after `timeout` seconds without any.

        Raises `REDIS_ERRORS` only while it reads entries again that it had dropped.
        """
        if self._overflowed:
            return await self._catch_up()
        if not self._buffer:
            self._arrived.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        entries = [entry for entry in self._buffer if order(entry.id) > self._last]
        self._drop_buffer()
        return self._advance(entries)

    def miss(self) -> None:
        """Drop the buffer: the log is read again from the last entry that was delivered."""
        self._drop_buffer()
        self._overflowed = True
        self._arrived.set()

    async def replay(self) -> list[RunLogEntry]:
        entries = await self._tail.read(self.run_id, self._last, self._page)
        self._page = _next_page(self._page, _size(entries))
        return self._advance(entries)

    def offer(self, entries: list[RunLogEntry]) -> None:
        """Buffer what the tail has read. A full buffer is dropped, unless the viewer waits for these entries."""
        if self._overflowed:
            return
        self._buffered_bytes += _size(entries)
        full = len(self._buffer) + len(entries) > _BUFFERED or self._buffered_bytes > _BUFFERED_BYTES
        if full and self._arrived.is_set():
            self.miss()
        else:
            self._buffer.extend(entries)
            self._arrived.set()

    def _drop_buffer(self) -> None:
        self._buffer.clear()
        self._buffered_bytes = 0

    async def _catch_up(self) -> list[RunLogEntry]:
        self._overflowed, page = False, self._page
        try:
            entries = await self.replay()
        except REDIS_ERRORS:
            self._overflowed = True
            raise
        self._overflowed |= len(entries) == page
        return entries

    def _advance(self, entries: list[RunLogEntry]) -> list[RunLogEntry]:
        if entries:
            self._last = order(entries[-1].id)
        return entries


class _Stream:
    """One followed log: the position of the reader, and the viewers."""

    def __init__(self, position: bytes) -> None:
        self.position = position
        self.viewers: set[Subscription] = set()


class EventTail:
    """Reads new entries of all followed logs on its own connection.

    Every read also follows a stream that only this process uses. An entry there ends the blocking read when a log is
    added. CLIENT UNBLOCK could come too early; an entry can't.
    """

    def __init__(self, redis: Redis, reader: Redis, encryptor: Encryptor) -> None:
        self._redis = redis
        self._encryptor = encryptor
        self._reader = reader
        self._streams: dict[bytes, _Stream] = {}
        self._wakeup_key = f"run:tail:{new_id()}".encode()
        self._wakeup_position = b"0-0"
        self._waking: set[asyncio.Task[None]] = set()

    @contextmanager
    def follow(self, run_id: UUID, *, after: str) -> Iterator[Subscription]:
        """Subscribe to the entries after `after`.

        If the log already has viewers, this viewer first reads again what they have received.
        """
        key = log_key(run_id).encode()
        viewer = Subscription(self, run_id, after)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream(after.encode())
            self._wake()
        else:
            viewer.miss()
        stream.viewers.add(viewer)
        try:
            yield viewer
        finally:
            stream.viewers.discard(viewer)
            if not stream.viewers and self._streams.get(key) is stream:
                del self._streams[key]

    async def read(self, run_id: UUID, after: tuple[int, int], count: int) -> list[RunLogEntry]:
        """Read up to `count` entries after the given one."""
        key = log_key(run_id)
        answer = await self._redis.xrange(key, min=f"({after[0]}-{after[1]}", count=count)
        return read_entries(answer, key, self._encryptor)

    async def holds(self, run_id: UUID, entry_id: str) -> bool:
        return bool(await self._redis.xrange(log_key(run_id), min=entry_id, max=entry_id, count=1))

    async def run(self) -> None:
        while True:
            try:
                await self._read_once()
            except REDIS_ERRORS as error:
                log.warning("live logs can't be read: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _read_once(self) -> None:
        wanted = {self._wakeup_key: self._wakeup_position}
        wanted.update((key, stream.position) for key, stream in self._streams.items())
        answer = await self._reader.xread(wanted, block=_BLOCK_MS, count=_TAIL_PAGE)  # type: ignore[arg-type]
        for key, entries in _pairs(answer):
            if key == self._wakeup_key:
                self._wakeup_position = entries[-1][0]
            elif (stream := self._streams.get(key)) and stream.position == wanted[key]:
                stream.position = entries[-1][0]
                found = read_entries(entries, key.decode(), self._encryptor)
                for viewer in stream.viewers:
                    viewer.offer(found)

    def _wake(self) -> None:
        task = asyncio.create_task(self._write_wakeup())
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    async def _write_wakeup(self) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.xadd(self._wakeup_key, {b"e": b""}, maxlen=1, approximate=False)
                pipeline.expire(self._wakeup_key, 3600)
                await pipeline.execute()
        except REDIS_ERRORS as error:
            log.debug("could not end the blocking read: %s", error)  # it ends by itself within a second


def _size(entries: list[RunLogEntry]) -> int:
    return sum(len(entry.data) for entry in entries)


def _next_page(entries: int, size: int) -> int:
    """Number of entries of the next page, from the number and the bytes of the last.

    A page stays in memory until its viewer has received it, so pages of long entries are small.
    """
    return max(entries // 4, 1) if size > _BUFFERED_BYTES // 2 else min(entries * 2, _PAGE)


def _pairs(answer: object) -> Iterator[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """Yield key and entries of an XREAD reply: a list in RESP2, a mapping in RESP3."""
    if isinstance(answer, dict):
        for key, batches in answer.items():
            yield key, [entry for batch in batches for entry in batch]
    elif isinstance(answer, list):
        yield from answer
