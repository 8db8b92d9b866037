"""Calls of providers: the routes of a model, one after the other, until one answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from basechat.infra.network.outbound import OutboundError, OutboundReply
from basechat.kit import json
from basechat.llm.providers.catalogue import Route
from basechat.llm.providers.provider import Provider
from basechat.llm.upstream.failures import Failure, Remedy, client_error, late, refusal, unavailable, unreachable
from basechat.llm.upstream.resilience import Attempt, CallLimits, Pauses, ProviderBreaker
from basechat.llm.upstream.stream import EventStreamReader, read_document
from basechat.protocol import ANSWER_SECONDS

log = logging.getLogger(__name__)

_OK = 200
_TOO_MANY = 429
_LISTS = {"chat/completions": "choices", "embeddings": "data"}

Result = TypeVar("Result")
Call = Callable[[Route, Attempt], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class ProviderStream:
    """A provider that has begun to answer. Closing `batches` closes its connection."""

    route: Route
    batches: EventStreamReader


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """A provider's answer in one body, as bytes and parsed."""

    route: Route
    body: bytes
    document: dict[str, Any]


class ProviderClient:
    """Calls the providers of a model: fallback over routes, retries of a route, and a circuit breaker per provider.

    `count` gets `llm.provider.{name}.calls` and `.failures`. A retry is a call, too.
    """

    def __init__(self, limits: CallLimits | None = None, *, count: Callable[[str], object] = lambda _: None) -> None:
        self._limits = limits or CallLimits()
        self._count = count
        self.breakers: dict[tuple[str, str], ProviderBreaker] = {}
        """By name and address of the provider."""

    async def stream(self, routes: Sequence[Route], body: Mapping[str, Any]) -> ProviderStream:
        """The stream of the first route that begins to answer; raises `GatewayError`.

        A stream begins with its first event. Nothing is retried after that.
        """
        deadline = _now() + ANSWER_SECONDS

        async def call(route: Route, attempt: Attempt) -> ProviderStream:
            limits = self._limits.of_provider(route.provider)
            try:
                async with asyncio.timeout_at(min(deadline, _now() + limits.first_token_seconds)):
                    reply = await _post(route, "chat/completions", _streamed(body, route.provider), limits)
                    batches = EventStreamReader(route.provider, reply, limits, attempt)
                    await batches.begin()
                    return ProviderStream(route, batches)
            except TimeoutError:
                raise late(route.provider.name) from None

        return await self._first_answer(routes, call, deadline)

    async def whole(
        self, routes: Sequence[Route], path: str, body: Mapping[str, Any], *, seconds: float = ANSWER_SECONDS
    ) -> ProviderAnswer:
        """The answer of the first route that gives one, within `seconds`; raises `GatewayError`."""
        deadline = _now() + seconds

        async def call(route: Route, _: Attempt) -> ProviderAnswer:
            limits = self._limits.of_provider(route.provider)
            try:
                async with asyncio.timeout_at(deadline):
                    reply = await _post(route, path, body, limits)
                    return ProviderAnswer(route, *await read_document(route.provider, reply, holds=_LISTS[path]))
            except TimeoutError:
                raise late(route.provider.name) from None

        return await self._first_answer(routes, call, deadline)

    async def _first_answer(self, routes: Sequence[Route], call: Call[Result], deadline: float) -> Result:
        """Fallback: the answer of the first route that does not fail."""
        pauses = Pauses()
        failures: list[Failure] = []
        for place, route in enumerate(routes):
            has_next = place + 1 < len(routes)
            try:
                return await self._retry(route, call, pauses, deadline, has_next=has_next)
            except Failure as failure:
                failures.append(failure)
            if failures[-1].remedy is Remedy.NONE:
                raise failures[-1].error
            if _now() >= deadline:
                break
        raise client_error(failures)

    async def _retry(
        self, route: Route, call: Call[Result], pauses: Pauses, deadline: float, *, has_next: bool
    ) -> Result:
        """Call one route until it answers or no retry is left; raises `Failure`."""
        breaker = self._breaker(route.provider)
        last: Failure | None = None
        retries = 0
        while (attempt := breaker.begin()) is not None:
            try:
                return await self._attempt(route, call, attempt)
            except Failure as failure:
                last = failure
            may_retry = last.remedy is Remedy.RETRY and retries < self._limits.retries
            if has_next and last.error.status == _TOO_MANY and last.wait_seconds:
                may_retry = False  # the next route can answer at once
            pause = pauses.next(retries, last.wait_seconds) if may_retry else None
            if pause is None or _now() + pause >= deadline:
                raise last
            await asyncio.sleep(pause)
            retries += 1
        raise last or unavailable(route.provider.name, breaker.open_seconds or 0)

    async def _attempt(self, route: Route, call: Call[Result], attempt: Attempt) -> Result:
        """Call one route once, and tell its circuit breaker the result."""
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

    def _breaker(self, provider: Provider) -> ProviderBreaker:
        """The circuit breaker of a provider; a new address gets a new one."""
        key = provider.name, provider.base_url
        if key not in self.breakers:
            for other in [each for each in self.breakers if each[0] == provider.name]:
                del self.breakers[other]
            failures = f"llm.provider.{provider.name}.failures"
            self.breakers[key] = ProviderBreaker(
                self._limits.failures_to_open, on_failure=lambda: self._count(failures)
            )
        return self.breakers[key]


async def _post(route: Route, path: str, body: Mapping[str, Any], limits: CallLimits) -> OutboundReply:
    """The answer of a provider once its headers have arrived; raises `Failure`."""
    provider = route.provider
    try:
        reply = await route.upstream.http.request(
            "POST",
            path,
            {**provider.headers, "content-type": "application/json"},
            json.dumps({**body, "model": route.model}),
            connect_seconds=limits.connect_seconds,
        )
    except OutboundError as error:
        log.warning("provider %s can't be reached: %s", provider.name, error)
        raise unreachable(provider.name, Remedy.NEXT if error.is_permanent else Remedy.RETRY) from None
    if reply.status == _OK:
        return reply
    try:
        raise await refusal(provider, reply)
    finally:
        reply.close()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _streamed(body: Mapping[str, Any], provider: Provider) -> dict[str, Any]:
    """The body with a stream and its usage requested. The client gets the usage only if it requested it, too."""
    streamed = {**body, "stream": True}
    options = body.get("stream_options")
    if provider.stream_usage and isinstance(options, dict | None):
        streamed["stream_options"] = {**(options or {}), "include_usage": True}
    return streamed
