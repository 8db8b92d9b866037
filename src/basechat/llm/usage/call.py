"""One call of a provider as its usage tells it: when the first token came, how many there were, how it ended."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

from basechat.kit import json
from basechat.kit.ids import new_id
from basechat.protocol import Caller

CallStatus = Literal["started", "completed", "failed", "cancelled", "interrupted"]

_TAIL_BYTES = 4096  # what a stream says of itself in the end is a few hundred
_TAIL_AT_MOST = 16_384  # so that it is cut seldom
_NAME = 200
_LARGEST = 2**31 - 1


class Call:
    """A call that is under way; the first end counts.

    Of a stream its last bytes are kept, and read when it has ended: what it cost is said in its last lines. The
    relay stays one of bytes.
    """

    def __init__(self, caller: Caller, *, provider: str, model: str, settled: Callable[["Call"], None]) -> None:
        self.id: UUID = new_id()
        self.caller = caller
        self.provider = provider
        self.model = model.replace("\x00", "")[:_NAME]
        self.status: CallStatus = "started"
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.first_token_ms: int | None = None
        self.duration_ms: int | None = None
        self._settled = settled
        self._began = time.perf_counter()
        self._tail = bytearray()

    @property
    def age_seconds(self) -> float:
        """How long ago it began."""
        return time.perf_counter() - self._began

    @contextmanager
    def refused_if_broken(self) -> Iterator[None]:
        """End the call as failed, or cancelled, where what is done with it raises."""
        try:
            yield
        except asyncio.CancelledError:
            self.end("cancelled")
            raise
        except BaseException:
            self.end("failed")
            raise

    def saw(self, piece: bytes) -> None:
        """Note a piece of a stream; it happens for every token, so it does next to nothing."""
        if self.first_token_ms is None:
            self.first_token_ms = self._elapsed_ms()
        self._tail += piece
        if len(self._tail) > _TAIL_AT_MOST:
            del self._tail[:-_TAIL_BYTES]

    def end_whole(self, document: dict[str, Any]) -> None:
        """End a call whose answer came in one body."""
        self.count(document)
        self.end("completed")

    def end_stream(self, status: CallStatus) -> None:
        """End a call whose answer was a stream. What its last lines say of its end is truer than `status`.

        A client that has heard the last word may leave before the connection ends.
        """
        tail = bytes(self._tail[-_TAIL_BYTES:])
        self._tail.clear()
        for document in _said(tail, b'"usage"'):
            if self.count(document):
                break
        if any(document.get("error") for document in _said(tail, b'"error"')):
            status = "failed"
        elif tail.rstrip().endswith(b"[DONE]"):
            status = "completed"
        self.end(status)

    def count(self, document: dict[str, Any]) -> bool:
        """Read the tokens from a completion, or from a piece of one; returns whether it tells them."""
        usage = document.get("usage")
        if not isinstance(usage, dict):
            return False
        self.prompt_tokens = _tokens(usage.get("prompt_tokens"))
        self.completion_tokens = _tokens(usage.get("completion_tokens"))
        return True

    def end(self, status: CallStatus) -> None:
        """Note how the call ended."""
        if self.status == "started":
            self.status = status
            self.duration_ms = self._elapsed_ms()
            self._settled(self)

    def _elapsed_ms(self) -> int:
        return min(int(self.age_seconds * 1000), _LARGEST)


def _said(tail: bytes, name: bytes) -> Iterator[dict[str, Any]]:
    """Yield the objects of a stream's last lines that hold a name, the last one first."""
    end = len(tail)
    while (at := tail.rfind(name, 0, end)) >= 0:
        begin = tail.rfind(b"\n", 0, at) + 1
        yield _document(tail[begin:].split(b"\n", 1)[0])
        end = begin


def _document(line: bytes) -> dict[str, Any]:
    """Return the object that a line holds; the first line of the tail is cut as a rule."""
    try:
        document = json.loads(line.removeprefix(b"data:"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _tokens(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= _LARGEST else None
