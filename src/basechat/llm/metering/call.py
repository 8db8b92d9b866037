"""One call of a provider: its times, its tokens and its end."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from basechat.infra.web.streaming import ClientDisconnectedError
from basechat.kit import json
from basechat.kit.ids import new_id
from basechat.kit.tokens import estimate
from basechat.llm.metering.limits import MAX_DOLLARS
from basechat.llm.providers.catalogue import Route
from basechat.llm.providers.prices import Price
from basechat.llm.providers.provider import Kind
from basechat.protocol import Caller

CallStatus = Literal["started", "completed", "failed", "cancelled", "interrupted", "withdrawn"]

_TAIL_BYTES = 4096  # the usage at the end of a stream takes a few hundred
_MAX_TAIL_BYTES = 16_384  # larger than `_TAIL_BYTES`, so that the tail is seldom cut
_NAME_LENGTH = 200
_MAX_INTEGER = 2**31 - 1
_BYTES_PER_TOKEN = 4
_TEXT = re.compile(rb'(?:content|arguments)": ?"((?:[^"\\]|\\.)+)"')
"""Text, reasoning or arguments in an event. Quotes inside a text are escaped."""


class RelayedTokens:
    """Estimates the tokens of a stream. It runs for every event, so it parses no JSON.

    Most providers send one token in an event. Events with more text count by their length.
    """

    __slots__ = ("_bytes", "_texts")

    def __init__(self) -> None:
        self._bytes = 0
        self._texts = 0

    def add(self, piece: bytes) -> None:
        for text in _TEXT.findall(piece):
            self._texts += 1
            self._bytes += len(text)

    @property
    def tokens(self) -> int:
        return max(self._texts, self._bytes // _BYTES_PER_TOKEN)


class Call:
    """A call, from its admission to its end. The first end counts.

    Of a stream, the last bytes are kept and parsed at the end, because the last events carry the usage. Without usage
    from the provider, the tokens are estimated.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        provider: str,
        model: str,
        settled: Callable[["Call"], None],
        kind: Kind = "chat",
        price: Price | None = None,
        prompt_estimate: int = 0,
        reserved_tokens: int = 0,
    ) -> None:
        self.id: UUID = new_id()
        self.caller = caller
        self.provider = provider
        self.model = model.replace("\x00", "")[:_NAME_LENGTH]
        self.kind = kind
        self.status: CallStatus = "started"
        self.prompt_tokens: int | None = None
        self.cached_prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.estimated = False
        self.cached = False
        self.cost: Decimal | None = None
        self.prompt_estimate = min(prompt_estimate, _MAX_INTEGER)
        self.reserved_tokens = min(reserved_tokens, _MAX_INTEGER)
        self.reserved_cost = _cost(price, self.prompt_estimate, 0, self.reserved_tokens - self.prompt_estimate)
        self.first_token_ms: int | None = None
        self.duration_ms: int | None = None
        self.began_at = time.time()
        self.relayed = RelayedTokens()
        self._price = price
        self._settled = settled
        self._began = time.perf_counter()
        self._tail = bytearray()

    @property
    def began(self) -> datetime:
        return datetime.fromtimestamp(self.began_at, UTC)

    @property
    def age_seconds(self) -> float:
        return time.perf_counter() - self._began

    @property
    def used_tokens(self) -> int:
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)

    def answered_by(self, route: Route) -> None:
        self.provider = route.provider.name
        self.model = route.model.replace("\x00", "")[:_NAME_LENGTH]
        self._price = route.price

    @contextmanager
    def refused_if_broken(self) -> Iterator[None]:
        try:
            yield
        except (asyncio.CancelledError, ClientDisconnectedError):
            self.end("cancelled")
            raise
        except BaseException:
            self.end("failed")
            raise

    def saw(self, piece: bytes) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms
        self.relayed.add(piece)
        self._tail += piece
        if len(self._tail) > _MAX_TAIL_BYTES:
            del self._tail[:-_TAIL_BYTES]

    def end_whole(self, document: dict[str, Any]) -> None:
        if not self.count(document):
            self._count_text(document)
        self.end("completed")

    def end_stream(self, status: CallStatus) -> None:
        """End a call that was answered in a stream. The last events override `status`.

        A client may disconnect after the last token, before the connection ends.
        """
        tail = bytes(self._tail[-_TAIL_BYTES:])
        self._tail.clear()
        for document in _documents_with(tail, b'"usage"'):
            if self.count(document):
                break
        if any(document.get("error") for document in _documents_with(tail, b'"error"')):
            status = "failed"
        elif tail.rstrip().endswith(b"[DONE]"):
            status = "completed"
        self.end(status)

    def count(self, document: dict[str, Any]) -> bool:
        """Read the usage of a completion or of an event; returns whether there was one."""
        usage = document.get("usage")
        if not isinstance(usage, dict):
            return False
        self.prompt_tokens = _tokens(usage.get("prompt_tokens"))
        self.completion_tokens = _tokens(usage.get("completion_tokens"))
        details = usage.get("prompt_tokens_details")
        self.cached_prompt_tokens = _tokens(details.get("cached_tokens")) if isinstance(details, dict) else None
        return True

    def end(self, status: CallStatus) -> None:
        if self.status != "started":
            return
        self.status = status
        self.duration_ms = self.elapsed_ms
        if self.prompt_tokens is None and self.completion_tokens is None:
            self._estimate()
        self.cost = _cost(
            self._price, self.prompt_tokens or 0, self.cached_prompt_tokens or 0, self.completion_tokens or 0
        )
        self._settled(self)

    def note_cached(self, prompt_tokens: int, completion_tokens: int, first_token_ms: int, duration_ms: int) -> None:
        # End a call that needed no provider. It has the tokens of the answer and costs nothing.
        self.status = "completed"
        self.cached = True
        self.prompt_tokens, self.completion_tokens = prompt_tokens, completion_tokens
        self.first_token_ms, self.duration_ms = first_token_ms, duration_ms
        self.cost = Decimal(0)
        self._settled(self)

    def _estimate(self) -> None:
        """A failed call without an answer counts nothing; an interrupted one counts its prompt."""
        relayed = self.relayed.tokens
        if self.status == "withdrawn" or (self.status == "failed" and not relayed):
            self.prompt_tokens = self.completion_tokens = 0
            return
        self.prompt_tokens, self.completion_tokens, self.estimated = self.prompt_estimate, relayed, True

    def _count_text(self, document: dict[str, Any]) -> None:
        """Estimate the tokens of a completion without usage."""
        self.prompt_tokens, self.estimated = self.prompt_estimate, True
        choices = document.get("choices") if self.kind == "chat" else None
        self.completion_tokens = estimate(json.dumps(choices).decode()) if choices else 0

    @property
    def elapsed_ms(self) -> int:
        return min(int(self.age_seconds * 1000), _MAX_INTEGER)

    def cost_so_far(self) -> Decimal | None:
        # Estimated cost of the prompt and of the tokens that were relayed.
        return _cost(self._price, self.prompt_estimate, 0, self.relayed.tokens)


def _cost(price: Price | None, prompt: int, cached: int, completion: int) -> Decimal | None:
    if price is None:
        return None
    cost = price.cost(prompt_tokens=prompt, cached_prompt_tokens=cached, completion_tokens=max(completion, 0))
    return min(cost, MAX_DOLLARS)


def _documents_with(tail: bytes, name: bytes) -> Iterator[dict[str, Any]]:
    """The events of a tail that contain a name, last one first."""
    end = len(tail)
    while (at := tail.rfind(name, 0, end)) >= 0:
        begin = tail.rfind(b"\n", 0, at) + 1
        yield _document(tail[begin:].split(b"\n", 1)[0])
        end = begin


def _document(line: bytes) -> dict[str, Any]:
    """The object of a line; {} for an invalid line, such as the cut first line of a tail."""
    try:
        document = json.loads(line.removeprefix(b"data:"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _tokens(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _MAX_INTEGER else None
