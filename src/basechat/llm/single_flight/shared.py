"""A completion that any number of clients read while it is created. No client can slow it down."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from basechat.kit import json
from basechat.llm.answer import DONE, CompletionAccumulator, as_stream
from basechat.llm.errors import GatewayError
from basechat.llm.upstream.events import EventBatch
from basechat.protocol import Caller

ANSWER_BYTES = 64_000_000
_PARTS_AT_ONCE = 100  # so that a slow reader holds no copy of the whole answer
_LOOP_TURNS = 20  # a reader needs about ten to begin

Outcome = Literal["hit", "miss", "coalesced", "bypass"]
"""Value of `x-basechat-cache`."""


class LostCompletionError(Exception):
    """The completion ended without an answer, for a reason that does not concern this client. It may try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionHead:
    """What is known of a completion when its answer begins."""

    outcome: Outcome
    """For the client that began it."""
    provider: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """For the client that began it: its rate limits."""
    called_at: float | None = None
    """When the provider was called, as `time.perf_counter()`."""
    began_at: float = field(default_factory=time.perf_counter)
    saved_ms: int | None = None
    """Of a hit: how long the provider took."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stream, for clients that requested the usage and for those that did not."""

    with_usage: bytes
    without_usage: bytes


class SharedCompletion:
    """One answer, from the cache, a provider or another process.

    It begins with its head. Then it arrives in parts, or as one document at the end; each client gets the form that
    it requested. `on_unread` is called when the last client leaves before the end.
    """

    def __init__(self, *, on_unread: Callable[["SharedCompletion"], None]) -> None:
        self.head: CompletionHead | None = None
        self.parts: list[Part] = []
        self.accumulator = CompletionAccumulator()
        self.body: bytes | None = None
        self.error: Exception | None = None
        self.refused: Caller | None = None
        """The caller that was not allowed to call the provider, if that is the error. Other callers may be."""
        self.has_ended = False
        self._document: dict[str, Any] | None = None
        self._is_done = False
        self._is_taken = False
        self._size = 0
        self._readers: set[Reader] = set()
        self._on_unread = on_unread
        self._changed = asyncio.Event()

    @property
    def is_read(self) -> bool:
        return bool(self._readers)

    @property
    def document(self) -> dict[str, Any]:
        return self.accumulator.document() if self._document is None else self._document

    def join(self, caller: Caller | None = None) -> "Reader":
        reader = Reader(self, caller)
        self._readers.add(reader)
        return reader

    def leave(self, reader: "Reader") -> None:
        self._readers.discard(reader)
        if not self._readers:
            self.abandon()

    def abandon(self) -> None:
        if not self.has_ended:
            self._on_unread(self)

    def take(self) -> None:
        self._is_taken = True

    async def wait_for_change(self) -> None:
        await self._changed.wait()

    def begin(self, head: CompletionHead) -> None:
        self.head = head
        self._notify()

    async def add(self, batch: EventBatch) -> None:
        """Add a part of the stream; raises `GatewayError` if the answer is too large."""
        self._size += len(batch.raw)
        if self._size > ANSWER_BYTES:
            raise GatewayError(502, "The provider's answer is too large.", code="provider_too_large")
        self._is_done = self._is_done or batch.is_done
        self.parts.append(_part(batch))
        self._notify()
        if len(self.parts) == 1:
            await self._let_first_part_leave()
        for document in batch.documents:
            self.accumulator.add(document)

    def finish(self, document: dict[str, Any], body: bytes | None = None) -> None:
        """End with the whole answer, and with its body if it came in one, which is passed on unchanged."""
        if self.parts and not self._is_done and self.accumulator.error is None:
            self.parts.append(Part(DONE, DONE))
        self._document, self.body = document, body
        self._end()

    def fail(self, error: Exception, *, refused: Caller | None = None) -> None:
        if not self.has_ended:
            self.error, self.refused = error, refused
            self._end()

    async def _let_first_part_leave(self) -> None:
        """Let the readers send the first part before it is parsed, which would delay the first token."""
        for _ in range(_LOOP_TURNS):
            if self._is_taken or not self._readers:
                return
            await asyncio.sleep(0)

    def _end(self) -> None:
        self.has_ended = True
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Reader:
    """One client of a shared completion. Its owner must call `leave`, once or more often."""

    def __init__(self, shared: SharedCompletion, caller: Caller | None) -> None:
        self.shared = shared
        self.is_late = shared.has_ended
        """Whether the answer was complete when the client joined."""
        self._caller = caller

    def leave(self) -> None:
        self.shared.leave(self)

    async def begun(self) -> CompletionHead:
        # Wait until the answer begins. Raises the error before that, if any.
        shared = self.shared
        while shared.head is None and not shared.has_ended:
            await shared.wait_for_change()
        if shared.head is None:
            raise self._error()
        return shared.head

    async def whole(self) -> bytes:
        """The answer in one body, once it is complete. Raises its error, if any."""
        shared = self.shared
        while not shared.has_ended:
            await shared.wait_for_change()
        if shared.error is not None:
            raise self._error()
        if shared.accumulator.error is not None:
            raise _error_of_provider(shared.accumulator.error)
        return shared.body if shared.body is not None else json.dumps(shared.document)

    async def stream(self, *, with_usage: bool) -> AsyncGenerator[bytes]:
        """Yield the answer as a stream while it arrives. An error after the first part is the last event."""
        shared, count = self.shared, 0
        while True:
            if count < len(shared.parts):
                fresh = shared.parts[count : count + _PARTS_AT_ONCE]
                count += len(fresh)
                shared.take()
                yield b"".join([part.with_usage if with_usage else part.without_usage for part in fresh])
            elif not shared.has_ended:
                await shared.wait_for_change()
            else:
                break
        if shared.error is not None:
            yield _late_error(shared.error).chunk()
        elif not shared.parts:
            yield _replay(shared.document, with_usage=with_usage)

    def _error(self) -> Exception:
        if self.shared.refused not in (None, self._caller):
            return LostCompletionError()
        return self.shared.error or LostCompletionError()


def _late_error(error: Exception) -> GatewayError:
    """The last event of a stream that broke off. Parts of two answers are never joined."""
    return error if isinstance(error, GatewayError) else GatewayError(502, "The answer broke off.", code="provider_cut")


def _error_of_provider(error: Any) -> GatewayError:
    """An error that the provider sent inside its stream."""
    message = error.get("message") if isinstance(error, dict) else error
    return GatewayError(502, str(message)[:2000] or "The provider's answer broke off.", code="provider_error")


def _replay(document: dict[str, Any], *, with_usage: bool) -> bytes:
    """An answer in one body, converted to a stream. The body may be invalid."""
    try:
        return as_stream(document, with_usage=with_usage)
    except (KeyError, TypeError, AttributeError):
        message = "The provider's answer can't be converted to a stream."
        return GatewayError(502, message, code="provider_garbled").chunk()


def _part(batch: EventBatch) -> Part:
    """A part. The event with the usage alone is only for clients that requested it."""
    if b'"usage"' not in batch.raw or not any(_is_usage(document) for document in batch.documents):
        return Part(batch.raw, batch.raw)
    others = [b"data: %b\n\n" % json.dumps(each) for each in batch.documents if not _is_usage(each)]
    return Part(batch.raw, b"".join(others) + (DONE if batch.is_done else b""))


def _is_usage(document: dict[str, Any]) -> bool:
    return document.get("choices") == [] and isinstance(document.get("usage"), dict)
