"""The body of an answer, read as it comes."""

import asyncio
from collections.abc import Callable

from basechat.infra.http1.errors import BrokenError

HELD_BYTES = 262_144
"""How much may lie unread before whoever sends it is held up."""


MOST_BYTES = 64_000_000


class Body:
    """Bytes in the order in which they came. What came before an error is read before the error is raised."""

    def __init__(self, *, held_up: Callable[[bool], None]) -> None:
        """`held_up` is told when too much lies unread, and when it does no more."""
        self._held_up = held_up
        self._is_held_up = False
        self._parts: list[bytes] = []
        self._size = 0
        self._has_ended = False
        self._error: Exception | None = None
        self._reading: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """Return all that has come, at least a byte, or nothing at the end; raises why it broke off."""
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._has_ended:
                return b""
            self._reading = asyncio.get_running_loop().create_future()
            await self._reading
        parts, self._parts, self._size = self._parts, [], 0
        if self._is_held_up:
            self._hold_up(False)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read_all(self, limit: int) -> bytes:
        """Return the whole body; raises `ValueError` beyond `limit` bytes, and why it broke off."""
        parts, size = [], 0
        while part := await self.read():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise ValueError(f"a body of more than {limit} bytes")
        return b"".join(parts)

    def feed(self, data: bytes) -> None:
        """Add what has come; raises `BrokenError` where it is far too much, as what was packed may be."""
        if self._size > MOST_BYTES:
            raise BrokenError("The answer is larger than can be held.")
        self._parts.append(data)
        self._size += len(data)
        if self._size > HELD_BYTES and not self._is_held_up:
            self._hold_up(True)
        if self._reading is not None:
            self._wake()

    def end(self) -> None:
        """Note that it is whole."""
        self._has_ended = True
        self._wake()

    def fail(self, error: Exception | None = None) -> None:
        """Note that nothing more comes, unless it is whole."""
        if not self._has_ended and self._error is None:
            self._error = error or BrokenError("The connection was closed in the middle of an answer.")
            self._wake()

    def drop(self) -> None:
        """Read no more; nobody is held up by it."""
        if self._is_held_up:
            self._hold_up(False)

    def _hold_up(self, on: bool) -> None:
        self._is_held_up = on
        self._held_up(on)

    def _wake(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None and not reading.done():
            reading.set_result(None)
