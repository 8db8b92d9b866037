"""An answer that is under way, read by any number of clients as it comes; none of them can hold it up."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from basechat.kit import json
from basechat.llm.answers.accumulator import CompletionAccumulator
from basechat.llm.answers.document import DONE, as_stream
from basechat.llm.errors import GatewayError
from basechat.llm.upstream.events import EventBatch
from basechat.protocol import Caller

ANSWER_BYTES = 64_000_000
_PARTS_AT_ONCE = 100  # who reads slowly holds no copy of the whole answer
_TURNS = 20  # of the event loop: a reader needs about ten to begin

Outcome = Literal["hit", "miss", "coalesced", "bypass"]
"""What the leader is told of where its answer came from."""


class FlightLostError(Exception):
    """The flight ended without an answer and without anybody's fault who follows it: ask anew."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stream, as it goes to those who asked for the usage, and to those who did not."""

    full: bytes
    plain: bytes


class Flight:
    """One answer, from the cache or from a provider; its clients come and leave as they like.

    Either it comes in parts, or as one document at the end; each client gets it in the form it asked for. When the
    last client has left before the end, `deserted` is called.
    """

    def __init__(self, *, deserted: Callable[["Flight"], None]) -> None:
        self.outcome: Outcome = "miss"
        self.provider = ""
        self.headers: Mapping[str, str] = {}
        self.called_at: float | None = None
        self.began_at: float | None = None
        self.saved_ms: int | None = None
        self.draft = CompletionAccumulator()
        self.parts: list[Part] = []
        self.has_begun = self.has_ended = False
        self.error: Exception | None = None
        self.refused: Caller | None = None
        """Who was not allowed to make the call, which says nothing of others."""
        self.body: bytes | None = None
        self._document: dict[str, Any] | None = None
        self._is_done = False
        self._is_taken = False
        self._size = 0
        self._readers: set[Reader] = set()
        self._deserted = deserted
        self._changed = asyncio.Event()

    @property
    def is_read(self) -> bool:
        """Whether any client of this process reads it."""
        return bool(self._readers)

    @property
    def document(self) -> dict[str, Any]:
        """The whole answer, as far as it is known."""
        if self._document is None:
            return self.draft.document()
        return self._document

    def join(self) -> "Reader":
        """Let one more client read it, from its beginning."""
        reader = Reader(self)
        self._readers.add(reader)
        return reader

    def leave(self, reader: "Reader") -> None:
        """Let a client go."""
        self._readers.discard(reader)
        if not self._readers:
            self.desert()

    def desert(self) -> None:
        """Note that nobody here reads it any more."""
        if not self.has_ended:
            self._deserted(self)

    def took(self) -> None:
        """Note that a reader has begun to tell the answer."""
        self._is_taken = True

    async def change(self) -> None:
        """Wait until there is more."""
        await self._changed.wait()

    def begin(self, provider: str) -> None:
        """Note that the answer begins, and whose it is."""
        self.provider = provider
        self.began_at = time.perf_counter()
        self.has_begun = True
        self._tell()

    async def add(self, piece: EventBatch) -> None:
        """Hand on a piece of the stream; raises `GatewayError` for an answer without end."""
        self._size += len(piece.raw)
        if self._size > ANSWER_BYTES:
            raise GatewayError(502, "The provider's answer is larger than is accepted.", code="provider_too_large")
        self._is_done = self._is_done or piece.is_done
        self.parts.append(_part(piece))
        self._tell()
        if len(self.parts) == 1:
            await self._first_taken()
        for document in piece.documents:
            self.draft.add(document)

    def finish(self, document: dict[str, Any], body: bytes | None = None) -> None:
        """End with the whole answer, and with its body where it came in one that is to stay as it is."""
        if self.parts and not self._is_done and self.draft.error is None:
            self.parts.append(Part(DONE, DONE))
        self._document, self.body = document, body
        self._end()

    def fail(self, error: Exception) -> None:
        """End without the whole answer."""
        if not self.has_ended:
            self.error = error
            self._end()

    async def _first_taken(self) -> None:
        """Let the first part go out before anything is done with it, which would delay the first token."""
        for _ in range(_TURNS):
            if self._is_taken or not self._readers:
                return
            await asyncio.sleep(0)

    def _end(self) -> None:
        self.has_ended = True
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Reader:
    """One client of a flight. Whoever has one must `leave`, which may be done twice."""

    def __init__(self, flight: Flight) -> None:
        self.flight = flight
        self.is_late = flight.has_ended
        """Whether the whole answer was there when it joined."""

    def leave(self) -> None:
        """Read no more."""
        self.flight.leave(self)

    async def begun(self) -> None:
        """Wait until the answer begins; raises what went wrong before."""
        flight = self.flight
        while not (flight.has_begun or flight.has_ended):
            await flight.change()
        if not flight.has_begun and flight.error is not None:
            raise flight.error

    async def stream(self, *, with_usage: bool) -> AsyncGenerator[bytes]:
        """Yield the answer as a stream as it comes; an error that comes too late to be raised is its last event."""
        flight, told = self.flight, 0
        while True:
            if told < len(flight.parts):
                fresh = flight.parts[told : told + _PARTS_AT_ONCE]
                told += len(fresh)
                flight.took()
                yield b"".join([part.full if with_usage else part.plain for part in fresh])
            elif not flight.has_ended:
                await flight.change()
            else:
                break
        if flight.error is not None:
            yield _too_late(flight.error).chunk()
        elif not flight.parts:
            yield _retold(flight.document, with_usage=with_usage)

    async def whole(self) -> bytes:
        """Return the answer in one body once it is there; raises what went wrong."""
        flight = self.flight
        while not flight.has_ended:
            await flight.change()
        if flight.error is not None:
            raise flight.error
        if flight.draft.error is not None:
            raise _told(flight.draft.error)
        return flight.body if flight.body is not None else json.dumps(flight.document)


def _too_late(error: Exception) -> GatewayError:
    """Return the last event of a stream of which a part was sent: two generations are never joined."""
    return error if isinstance(error, GatewayError) else GatewayError(502, "The answer broke off.", code="provider_cut")


def _told(error: Any) -> GatewayError:
    """Return the error that a provider told in the middle of its stream."""
    message = error.get("message") if isinstance(error, dict) else error
    return GatewayError(502, str(message)[:2000] or "The provider's answer broke off.", code="provider_error")


def _retold(document: dict[str, Any], *, with_usage: bool) -> bytes:
    """Return an answer that came in one body as a stream; a body may be anything."""
    try:
        return as_stream(document, with_usage=with_usage)
    except (KeyError, TypeError, AttributeError):
        message = "The provider's answer can't be told as a stream."
        return GatewayError(502, message, code="provider_garbled").chunk()


def _part(piece: EventBatch) -> Part:
    """Return a part; the event that tells the usage alone is for those who asked for it."""
    if b'"usage"' not in piece.raw or not any(_is_usage(document) for document in piece.documents):
        return Part(piece.raw, piece.raw)
    others = [b"data: %b\n\n" % json.dumps(each) for each in piece.documents if not _is_usage(each)]
    return Part(piece.raw, b"".join(others) + (DONE if piece.is_done else b""))


def _is_usage(document: dict[str, Any]) -> bool:
    return document.get("choices") == [] and isinstance(document.get("usage"), dict)
