"""Calling providers, one route after the other until one answers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from basechat.llm.providers.provider import Provider
from basechat.llm.providers.route import Route
from basechat.llm.upstream.breaker import Breaker, ProviderState, Try
from basechat.llm.upstream.events import Piece
from basechat.llm.upstream.failure import Failure, Remedy, late, tell, unavailable
from basechat.llm.upstream.limits import Limits
from basechat.llm.upstream.request import post
from basechat.llm.upstream.retry import Pauses
from basechat.llm.upstream.stream import Pieces
from basechat.llm.upstream.whole import read_whole
from basechat.protocol import ANSWER_SECONDS

_TOO_MANY = 429
_LISTS = {"chat/completions": "choices", "embeddings": "data"}

Result = TypeVar("Result")
Call = Callable[[Route, Try], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Answering:
    """A provider that has begun to answer; closing `pieces` ends its connection."""

    route: Route
    pieces: AsyncGenerator[Piece]


@dataclass(frozen=True, slots=True)
class Answered:
    """A provider's answer in one body, as it is and as it reads."""

    route: Route
    body: bytes
    document: dict[str, Any]


class Dialler:
    """Calls the providers of a model, and remembers which of them are in trouble.

    `count` is told what happens to them: `llm.provider.{name}.calls` and `.failures`, a retry being a call too.
    """

    def __init__(self, limits: Limits | None = None, *, count: Callable[[str], object] = lambda _: None) -> None:
        self._limits = limits or Limits()
        self._count = count
        self._breakers: dict[tuple[str, str], Breaker] = {}

    async def stream(self, routes: Sequence[Route], body: Mapping[str, Any]) -> Answering:
        """Return the answer of the first route that begins to give one; raises `GatewayError`.

        It has begun with its first document; from then on nothing is tried again.
        """
        deadline = _now() + ANSWER_SECONDS

        async def call(route: Route, attempt: Try) -> Answering:
            limits = self._limits.of_provider(route.provider)
            due = min(deadline, _now() + limits.first_token_seconds)
            return await _in_time(due, route.provider, _begin(route, body, limits, attempt))

        return await self._first(routes, call, deadline)

    async def whole(
        self, routes: Sequence[Route], path: str, body: Mapping[str, Any], *, seconds: float = ANSWER_SECONDS
    ) -> Answered:
        """Return the answer of the first route that gives one, after `seconds` at most; raises `GatewayError`."""
        deadline = _now() + seconds

        async def call(route: Route, _: Try) -> Answered:
            limits = self._limits.of_provider(route.provider)
            return await _in_time(deadline, route.provider, _answer(route, path, body, limits))

        return await self._first(routes, call, deadline)

    def states(self) -> dict[str, ProviderState]:
        """Return how the providers fare that were called since the start, by name."""
        return {name: breaker.state for (name, _), breaker in self._breakers.items()}

    async def _first(self, routes: Sequence[Route], call: Call[Result], deadline: float) -> Result:
        """Return what the first route gives that gives anything."""
        pauses = Pauses()
        failures: list[Failure] = []
        for place, route in enumerate(routes):
            has_next = place + 1 < len(routes)
            try:
                return await self._retried(route, call, pauses, deadline, has_next=has_next)
            except Failure as failure:
                failures.append(failure)
            if failures[-1].remedy is Remedy.NONE:
                raise failures[-1].error
            if _now() >= deadline:
                break
        raise tell(failures)

    async def _retried(
        self, route: Route, call: Call[Result], pauses: Pauses, deadline: float, *, has_next: bool
    ) -> Result:
        """Return what one route gives, at once or after retries; raises `Failure`."""
        breaker = self._breaker(route.provider)
        last: Failure | None = None
        retries = 0
        while (attempt := breaker.begin()) is not None:
            try:
                return await self._tried(route, call, attempt)
            except Failure as failure:
                last = failure
            may = last.remedy is Remedy.RETRY and retries < self._limits.retries
            if has_next and last.error.status == _TOO_MANY and last.wait_seconds:
                may = False  # somebody else can answer at once
            pause = pauses.next(retries, last.wait_seconds) if may else None
            if pause is None or _now() + pause >= deadline:
                raise last
            await asyncio.sleep(pause)
            retries += 1
        raise last or unavailable(route.provider.name, breaker.state.asked_again_in or 0)

    async def _tried(self, route: Route, call: Call[Result], attempt: Try) -> Result:
        self._count(f"llm.provider.{route.provider.name}.calls")
        try:
            result = await call(route, attempt)
        except Failure as failure:
            attempt.failed() if failure.counts else attempt.succeeded()
            raise
        except BaseException:
            attempt.given_up()
            raise
        attempt.succeeded()
        return result

    def _breaker(self, provider: Provider) -> Breaker:
        """Return the breaker of a provider; one whose address was changed begins anew."""
        key = provider.name, provider.base_url
        if key not in self._breakers:
            for other in [each for each in self._breakers if each[0] == provider.name]:
                del self._breakers[other]
            failures = f"llm.provider.{provider.name}.failures"
            self._breakers[key] = Breaker(self._limits.failures_to_open, on_failure=lambda: self._count(failures))
        return self._breakers[key]


async def _begin(route: Route, body: Mapping[str, Any], limits: Limits, attempt: Try) -> Answering:
    reply = await post(route, "chat/completions", _streamed(body, route.provider), limits)
    pieces = Pieces(route.provider, reply, limits, attempt)
    await pieces.begin()
    return Answering(route, pieces)


async def _answer(route: Route, path: str, body: Mapping[str, Any], limits: Limits) -> Answered:
    reply = await post(route, path, body, limits)
    return Answered(route, *await read_whole(route.provider, reply, holds=_LISTS[path]))


async def _in_time(when: float, provider: Provider, answer: Awaitable[Result]) -> Result:
    """Wait for an answer until the loop's time `when`; raises `Failure`."""
    try:
        async with asyncio.timeout_at(when):
            return await answer
    except TimeoutError:
        raise late(provider.name) from None


def _now() -> float:
    return asyncio.get_running_loop().time()


def _streamed(body: Mapping[str, Any], provider: Provider) -> dict[str, Any]:
    """Return a body that asks for a stream, and for what it cost, which is the client's to see only if it asked."""
    asked = {**body, "stream": True}
    options = body.get("stream_options")
    if provider.stream_usage and isinstance(options, dict | None):
        asked["stream_options"] = {**(options or {}), "include_usage": True}
    return asked
