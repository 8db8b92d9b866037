"""Creating the answer of a shared completion: from the cache, from another process, or from a provider."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, nullcontext, suppress
from typing import Any

from basechat.infra.cache.layers import LLM
from basechat.llm.answer import from_stored, is_complete, to_stored
from basechat.llm.errors import GatewayError
from basechat.llm.gateway import Gateway
from basechat.llm.metering.admission import Admission, Quote
from basechat.llm.metering.call import Call, CallStatus
from basechat.llm.providers.catalogue import Route
from basechat.llm.requests import CompletionRequest, completion_tokens, prompt_tokens
from basechat.llm.single_flight.shared import CompletionHead, Outcome, SharedCompletion
from basechat.llm.telemetry import CallSpan, traced

_DRAIN_SECONDS = 0.5


class CompletionRun:
    """The work of one shared completion. With `shared=True`, a stored answer or one of another process comes first."""

    def __init__(self, gateway: Gateway, request: CompletionRequest, *, shared: bool) -> None:
        self._gateway = gateway
        self._request = request
        self._claim = gateway.leader.claim(request.key) if shared else None
        self._outcome: Outcome = "miss" if request.reads_cache else "bypass"
        self._is_stored = False

    async def run(self, shared: SharedCompletion) -> None:
        """Create the answer. Raises `GatewayError`, and `LostCompletionError` if clients may try again."""
        admitting = self._gateway.tasks.start(self._gateway.admit(self._request.auth, self._ask()))
        try:
            await asyncio.sleep(0)  # the admission is sent first: its reply takes longer than the cache's
            stored = await self._find_stored()
            admission = await _result(admitting, is_needed=stored is None)
        except BaseException as error:
            admitting.add_done_callback(_withdraw)  # first, because the release may be cancelled
            if isinstance(error, GatewayError):
                await self._release_at_once()  # other callers may try in a moment
                self._gateway.flights.forget(shared)
                shared.fail(error, refused=self._request.auth.caller)
            raise
        if admission is None or stored is not None:
            admitting.add_done_callback(_withdraw)
            self._replay(shared, *stored)
        elif admission.call is None:
            await self._follow(shared, admission)
        else:
            await self._lead(shared, admission, admission.call)

    async def _find_stored(self) -> Any:
        """The stored document and the time that the provider took, or None."""
        return None if self._claim is None else await self._gateway.cache.get_at(LLM, self._request.key)

    def _replay(self, shared: SharedCompletion, document: dict[str, Any], saved_ms: int) -> None:
        provider = self._request.routes[0].provider.name
        shared.begin(CompletionHead(outcome="hit", provider=provider, saved_ms=saved_ms))
        shared.finish(from_stored(document))

    async def _follow(self, shared: SharedCompletion, admission: Admission) -> None:
        """Copy the answer of the process that calls the provider already."""
        if self._claim is None or admission.leader is None:
            raise RuntimeError("an admission without a call has no leader")
        await self._gateway.follower.follow(shared, self._claim, admission.leader)

    async def _lead(self, shared: SharedCompletion, admission: Admission, call: Call) -> None:
        """Call the provider and store its answer. Until it is stored, identical requests join the completion."""
        gateway, request = self._gateway, self._request
        if self._claim is not None:
            gateway.leader.lead(self._claim, shared)
        try:
            span = (
                traced(gateway.tracer, call, request.routes[0], stream=request.streams)
                if gateway.is_traced
                else nullcontext()
            )
            with call.refused_if_broken(), span as begun:
                routes = admission.allowed(request.routes)
                if request.streams:
                    await self._stream(shared, admission, call, routes, begun)
                else:
                    await self._whole(shared, admission, call, routes)
        except BaseException:
            gateway.flights.forget(shared)
            await self._release_at_once()
            raise
        try:
            if self._is_stored:
                await gateway.cache.put_at(LLM, request.key, [to_stored(shared.document), call.duration_ms])
        finally:  # a claim that is not released would be renewed for ever
            if self._claim is not None:
                gateway.leader.release(self._claim)

    async def _stream(
        self,
        shared: SharedCompletion,
        admission: Admission,
        call: Call,
        routes: Sequence[Route],
        span: CallSpan | None,
    ) -> None:
        called_at = time.perf_counter()
        answer = await self._gateway.providers.stream(routes, self._request.body)
        status: CallStatus = "cancelled"
        try:
            call.answered_by(answer.route)
            shared.begin(self._head(answer.route, admission, called_at))
            if span is not None:
                span.note_first_token()
            async with aclosing(answer.batches) as batches:
                async for batch in batches:
                    call.saw(batch.raw)
                    await shared.add(batch)
                    if batch.is_done:
                        break
                await self._finish(shared, answer.route, shared.accumulator.document(), None)
                status = "completed"
                with suppress(TimeoutError, StopAsyncIteration):
                    async with asyncio.timeout(_DRAIN_SECONDS):
                        await anext(batches)  # a connection that is read to its end can be used again
        except Exception:
            status = "failed"
            raise
        finally:
            call.end_stream(status)

    async def _whole(self, shared: SharedCompletion, admission: Admission, call: Call, routes: Sequence[Route]) -> None:
        called_at = time.perf_counter()
        answer = await self._gateway.providers.whole(routes, "chat/completions", self._request.body)
        call.answered_by(answer.route)
        call.end_whole(answer.document)
        shared.begin(self._head(answer.route, admission, called_at))
        await self._finish(shared, answer.route, answer.document, answer.body)

    def _head(self, route: Route, admission: Admission, called_at: float) -> CompletionHead:
        return CompletionHead(
            outcome=self._outcome, provider=route.provider.name, headers=admission.headers, called_at=called_at
        )

    async def _finish(
        self, shared: SharedCompletion, route: Route, document: dict[str, Any], body: bytes | None
    ) -> None:
        """End the completion. If it is not stored, later clients must not join it, here or in other processes."""
        is_good = shared.accumulator.error is None and is_complete(document)
        # The answer of a fallback is not stored as one of the first route.
        self._is_stored = is_good and self._request.writes_cache and route == self._request.routes[0]
        if not is_good:
            self._gateway.flights.forget(shared)
            await self._release_at_once()
        shared.finish(document, body)

    async def _release_at_once(self) -> None:
        if self._claim is not None:
            await self._gateway.leader.release_at_once(self._claim)

    def _ask(self) -> Quote:
        request = self._request
        return Quote(
            caller=request.auth.caller,
            route=request.routes[0],
            prompt_tokens=prompt_tokens(request.body),
            completion_tokens=completion_tokens(request.body),
            claim=self._claim,
            token_key=request.auth.token_key,
        )


async def _result(admitting: asyncio.Task[Admission], *, is_needed: bool) -> Admission | None:
    """The admission. A caller that is over its limits still gets a stored answer."""
    try:
        return await asyncio.shield(admitting)
    except GatewayError:
        if is_needed:
            raise
        return None


def _withdraw(admitting: asyncio.Task[Admission]) -> None:
    """Withdraw an unused admission once it is there."""
    if not admitting.cancelled() and admitting.exception() is None:
        admitting.result().withdraw()
