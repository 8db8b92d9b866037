"""Following the logs of many runs with one blocking read, whatever number of viewers watch them."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from basechat.infra.encryption import Encryptor
from basechat.infra.events.entry import Entry, log_key, order, read_entries
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.kit.ids import new_id

log = logging.getLogger(__name__)

_BLOCK_MS = 1000
_PAUSE = 0.5
_BUFFERED = 1000  # entries; a viewer that is slower reads the log again
_BUFFERED_BYTES = 262_144
_FIRST_PAGE, _PAGE = 8, 500  # entries
_TAIL_PAGE = 50  # entries of each log


class Subscription:
    """The entries of one run's log for one viewer, in order and each once."""

    def __init__(self, tail: "EventTail", run_id: UUID, after: str) -> None:
        self.run_id = run_id
        self._tail = tail
        self._last = order(after)
        self._buffer: deque[Entry] = deque()
        self._buffered_bytes = 0
        self._page = _FIRST_PAGE
        self._overflowed = False
        self._arrived = asyncio.Event()

    async def next(self, *, timeout: float) -> list[Entry]:
        """Return what is new, at least one entry; nothing after `timeout` seconds of silence.

        Raises what `REDIS_ERRORS` names only while it catches up with entries that it let go.
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
        self._let_go()
        return self._advance(entries)

    def miss(self) -> None:
        """Note that entries went by: the log is read again from the last one that was seen."""
        self._let_go()
        self._overflowed = True
        self._arrived.set()

    async def replay(self) -> list[Entry]:
        """Return a page of what lies in the log already; empty at its end."""
        entries = await self._tail.read(self.run_id, self._last, self._page)
        self._page = _next_page(self._page, _size(entries))
        return self._advance(entries)

    def offer(self, entries: list[Entry]) -> None:
        """Take what the tail has read; a full buffer is let go, unless its viewer waits for just this."""
        if self._overflowed:
            return
        self._buffered_bytes += _size(entries)
        full = len(self._buffer) + len(entries) > _BUFFERED or self._buffered_bytes > _BUFFERED_BYTES
        if full and self._arrived.is_set():
            self.miss()
        else:
            self._buffer.extend(entries)
            self._arrived.set()

    def _let_go(self) -> None:
        self._buffer.clear()
        self._buffered_bytes = 0

    async def _catch_up(self) -> list[Entry]:
        self._overflowed, page = False, self._page
        try:
            entries = await self.replay()
        except REDIS_ERRORS:
            self._overflowed = True
            raise
        self._overflowed |= len(entries) == page
        return entries

    def _advance(self, entries: list[Entry]) -> list[Entry]:
        if entries:
            self._last = order(entries[-1].id)
        return entries


class _Stream:
    """One log that is followed: how far it was read, and for whom."""

    def __init__(self, position: bytes) -> None:
        self.position = position
        self.viewers: set[Subscription] = set()


class EventTail:
    """Reads what is new of all followed logs on one connection of its own.

    A log that is added while the read blocks is noticed through a stream of this process alone, which every
    read follows too: unlike CLIENT UNBLOCK that can't come too early.
    """

    def __init__(self, redis: Redis, reader: Redis, encryptor: Encryptor) -> None:
        self._redis = redis
        self._encryptor = encryptor
        self._reader = reader
        self._streams: dict[bytes, _Stream] = {}
        self._bell = f"run:tail:{new_id()}".encode()
        self._bell_position = b"0-0"
        self._ringing: set[asyncio.Task[None]] = set()

    @contextmanager
    def follow(self, run_id: UUID, *, after: str) -> Iterator[Subscription]:
        """Subscribe to what comes after entry `after`.

        When others follow the log already, what they have been given is read again for this one first.
        """
        key = log_key(run_id).encode()
        viewer = Subscription(self, run_id, after)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream(after.encode())
            self._ring()
        else:
            viewer.miss()
        stream.viewers.add(viewer)
        try:
            yield viewer
        finally:
            stream.viewers.discard(viewer)
            if not stream.viewers and self._streams.get(key) is stream:
                del self._streams[key]

    async def read(self, run_id: UUID, after: tuple[int, int], count: int) -> list[Entry]:
        """Return up to `count` entries that lie in the log after the one named."""
        key = log_key(run_id)
        answer = await self._redis.xrange(key, min=f"({after[0]}-{after[1]}", count=count)
        return read_entries(answer, key, self._encryptor)

    async def holds(self, run_id: UUID, entry_id: str) -> bool:
        """Return whether an entry lies in the log still."""
        return bool(await self._redis.xrange(log_key(run_id), min=entry_id, max=entry_id, count=1))

    async def run(self) -> None:
        """Read for ever; waits while Redis is away."""
        while True:
            try:
                await self._read_once()
            except REDIS_ERRORS as error:
                log.warning("live logs can't be read: %s", error)
                await asyncio.sleep(_PAUSE)

    async def _read_once(self) -> None:
        wanted = {self._bell: self._bell_position}
        wanted.update((key, stream.position) for key, stream in self._streams.items())
        answer = await self._reader.xread(wanted, block=_BLOCK_MS, count=_TAIL_PAGE)  # type: ignore[arg-type]
        for key, entries in _pairs(answer):
            if key == self._bell:
                self._bell_position = entries[-1][0]
            elif (stream := self._streams.get(key)) and stream.position == wanted[key]:
                stream.position = entries[-1][0]
                found = read_entries(entries, key.decode(), self._encryptor)
                for viewer in stream.viewers:
                    viewer.offer(found)

    def _ring(self) -> None:
        task = asyncio.create_task(self._ring_bell())
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    async def _ring_bell(self) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.xadd(self._bell, {b"e": b""}, maxlen=1, approximate=False)
                pipeline.expire(self._bell, 3600)
                await pipeline.execute()
        except REDIS_ERRORS as error:
            log.debug("no bell: %s", error)  # the blocked read ends by itself within a second


def _size(entries: list[Entry]) -> int:
    return sum(len(entry.data) for entry in entries)


def _next_page(entries: int, size: int) -> int:
    """Return how many entries to read next, where the last page had so many and this size.

    A page waits in memory until its viewer has taken it, so long entries are read few at a time.
    """
    return max(entries // 4, 1) if size > _BUFFERED_BYTES // 2 else min(entries * 2, _PAGE)


def _pairs(answer: object) -> Iterator[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """Yield key and entries of an XREAD answer, which is a list under RESP2 and a mapping under RESP3."""
    if isinstance(answer, dict):
        for key, batches in answer.items():
            yield key, [entry for batch in batches for entry in batch]
    elif isinstance(answer, list):
        yield from answer
