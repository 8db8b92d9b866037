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

_TAIL_BYTES = 4096
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
        self._tail = b""

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
        self._tail = (piece if len(piece) >= _TAIL_BYTES else self._tail + piece)[-_TAIL_BYTES:]

    def end_whole(self, document: dict[str, Any]) -> None:
        """End a call whose answer came in one body."""
        self.count(document)
        self.end("completed")

    def end_stream(self, status: CallStatus) -> None:
        """End a call whose answer was a stream. What its last lines say of its end is truer than `status`.

        A client that has heard the last word may leave before the connection ends.
        """
        lines = [line[5:].strip() for line in self._tail.split(b"\n") if line.startswith(b"data:")]
        self._tail = b""
        for line in lines:
            if b'"usage"' in line or b'"error"' in line:
                document = _document(line)
                self.count(document)
                if document.get("error"):
                    status = "failed"
        if b"[DONE]" in lines and status != "failed":
            status = "completed"
        self.end(status)

    def count(self, document: dict[str, Any]) -> None:
        """Read the tokens from a completion, or from a piece of one that tells them."""
        usage = document.get("usage")
        if isinstance(usage, dict):
            self.prompt_tokens = _tokens(usage.get("prompt_tokens"))
            self.completion_tokens = _tokens(usage.get("completion_tokens"))

    def end(self, status: CallStatus) -> None:
        """Note how the call ended."""
        if self.status == "started":
            self.status = status
            self.duration_ms = self._elapsed_ms()
            self._settled(self)

    def _elapsed_ms(self) -> int:
        return min(int(self.age_seconds * 1000), _LARGEST)


def _document(line: bytes) -> dict[str, Any]:
    """Return the object that a line holds; the first line of the tail is cut as a rule."""
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _tokens(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= _LARGEST else None
