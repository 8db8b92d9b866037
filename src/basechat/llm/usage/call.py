"""One call of a provider as its usage tells it: when the first token came, how many there were, how it ended."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from basechat.infra.web.streaming import ClientDisconnectedError
from basechat.kit import json
from basechat.kit.ids import new_id
from basechat.kit.tokens import estimate
from basechat.llm.providers.prices import Price
from basechat.llm.providers.provider import Kind
from basechat.llm.providers.route import Route
from basechat.llm.usage.relayed import Relayed
from basechat.protocol import Caller

CallStatus = Literal["started", "completed", "failed", "cancelled", "interrupted", "withdrawn"]

_TAIL_BYTES = 4096  # what a stream says of itself in the end is a few hundred
_TAIL_AT_MOST = 16_384  # so that it is cut seldom
_NAME = 200
_LARGEST = 2**31 - 1
_MOST_DOLLARS = Decimal(999_999)  # what a column holds


class Call:
    """A call that is under way; the first end counts.

    Of a stream its last bytes are kept, and read when it has ended: what it cost is said in its last lines. The
    relay stays one of bytes. Where nothing is said, what was used is estimated.
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
        self.model = model.replace("\x00", "")[:_NAME]
        self.kind = kind
        self.status: CallStatus = "started"
        self.prompt_tokens: int | None = None
        self.cached_prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.estimated = False
        self.cached = False
        self.cost: Decimal | None = None
        self.prompt_estimate = min(prompt_estimate, _LARGEST)
        self.reserved_tokens = min(reserved_tokens, _LARGEST)
        self.prompt_cost = _cost(price, self.prompt_estimate, 0, 0)
        self.reserved_cost = _cost(price, self.prompt_estimate, 0, self.reserved_tokens - self.prompt_estimate)
        self.first_token_ms: int | None = None
        self.duration_ms: int | None = None
        self.began_at = time.time()
        self.relayed = Relayed()
        self._price = price
        self._settled = settled
        self._began = time.perf_counter()
        self._tail = bytearray()

    @property
    def age_seconds(self) -> float:
        """How long ago it began."""
        return time.perf_counter() - self._began

    @property
    def used_tokens(self) -> int:
        """What it used, both ways."""
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)

    def answered_by(self, route: Route) -> None:
        """Note who answers, where it is not who was asked first."""
        self.provider = route.provider.name
        self.model = route.model.replace("\x00", "")[:_NAME]
        self._price = route.price

    @contextmanager
    def refused_if_broken(self) -> Iterator[None]:
        """End the call as failed, or cancelled, where what is done with it raises."""
        try:
            yield
        except (asyncio.CancelledError, ClientDisconnectedError):
            self.end("cancelled")
            raise
        except BaseException:
            self.end("failed")
            raise

    def saw(self, piece: bytes) -> None:
        """Note a piece of a stream; it happens for every token, so it does next to nothing."""
        if self.first_token_ms is None:
            self.first_token_ms = self._elapsed_ms()
        self.relayed.add(piece)
        self._tail += piece
        if len(self._tail) > _TAIL_AT_MOST:
            del self._tail[:-_TAIL_BYTES]

    def end_whole(self, document: dict[str, Any]) -> None:
        """End a call whose answer came in one body."""
        if not self.count(document):
            self._count_text(document)
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

    def close(self) -> None:
        """End a call whose answer nobody takes any more; one that has ended stays as it is."""
        if self.status == "started":
            self.end_stream("cancelled")

    def count(self, document: dict[str, Any]) -> bool:
        """Read the tokens from a completion, or from a piece of one; returns whether it tells them."""
        usage = document.get("usage")
        if not isinstance(usage, dict):
            return False
        self.prompt_tokens = _tokens(usage.get("prompt_tokens"))
        self.completion_tokens = _tokens(usage.get("completion_tokens"))
        details = usage.get("prompt_tokens_details")
        self.cached_prompt_tokens = _tokens(details.get("cached_tokens")) if isinstance(details, dict) else None
        return True

    def end(self, status: CallStatus) -> None:
        """Note how the call ended."""
        if self.status != "started":
            return
        self.status = status
        self.duration_ms = self._elapsed_ms()
        if self.prompt_tokens is None and self.completion_tokens is None:
            self._estimate()
        self.cost = _cost(
            self._price, self.prompt_tokens or 0, self.cached_prompt_tokens or 0, self.completion_tokens or 0
        )
        self._settled(self)

    def note_cached(self, prompt_tokens: int, completion_tokens: int, first_token_ms: int, duration_ms: int) -> None:
        """End it as answered without a provider: it has the answer's tokens, and cost nothing."""
        self.status = "completed"
        self.cached = True
        self.prompt_tokens, self.completion_tokens = prompt_tokens, completion_tokens
        self.first_token_ms, self.duration_ms = first_token_ms, duration_ms
        self.cost = Decimal(0)
        self._settled(self)

    def _estimate(self) -> None:
        """A provider that answered nothing took nothing, unless the client did not wait for it."""
        relayed = self.relayed.tokens
        if self.status == "withdrawn" or (self.status == "failed" and not relayed):
            self.prompt_tokens = self.completion_tokens = 0
            return
        self.prompt_tokens, self.completion_tokens, self.estimated = self.prompt_estimate, relayed, True

    def _count_text(self, document: dict[str, Any]) -> None:
        """Estimate the tokens of a completion that tells none."""
        self.prompt_tokens, self.estimated = self.prompt_estimate, True
        choices = document.get("choices") if self.kind == "chat" else None
        self.completion_tokens = estimate(json.dumps(choices).decode()) if choices else 0

    def _elapsed_ms(self) -> int:
        return min(int(self.age_seconds * 1000), _LARGEST)


def _cost(price: Price | None, prompt: int, cached: int, completion: int) -> Decimal | None:
    if price is None:
        return None
    cost = price.cost(prompt_tokens=prompt, cached_prompt_tokens=cached, completion_tokens=max(completion, 0))
    return min(cost, _MOST_DOLLARS)


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
