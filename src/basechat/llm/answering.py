"""Getting the answer to a question into a flight: from the cache, from another process's flight, or from a provider."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager, nullcontext, suppress
from typing import Any

from basechat.infra.cache.layers import LLM
from basechat.infra.telemetry.model_call import ModelCall
from basechat.llm import estimate
from basechat.llm.accounting.accounts import Admission, Ask
from basechat.llm.answers.document import from_stored, is_complete, to_stored
from basechat.llm.errors import GatewayError
from basechat.llm.flights.flight import Flight, FlightLostError
from basechat.llm.gateway import Gateway
from basechat.llm.providers.route import Route
from basechat.llm.question import Question
from basechat.llm.usage.call import Call, CallStatus

_LAST_WORDS_SECONDS = 0.5


class Answering:
    """The work of one flight. A `shared` one takes an answer that is there, or on its way, before it asks for one."""

    def __init__(self, gateway: Gateway, question: Question, *, shared: bool) -> None:
        self._gateway = gateway
        self._question = question
        self._claim = gateway.leader.claim(question.key) if shared else None
        self._is_kept = False

    async def fly(self, flight: Flight) -> None:
        """Bring the answer; raises `GatewayError`, and `FlightLostError` where it may be asked for anew."""
        flight.outcome = "miss" if self._question.reads_cache else "bypass"
        admission = await self._admit(flight)
        if admission is None:
            return
        if admission.call is None:
            await self._follow(flight, admission)
        else:
            await self._lead(flight, admission, admission.call)

    async def _admit(self, flight: Flight) -> Admission | None:
        """Return the leave to call a provider, or None where the answer was in the cache, which is asked meanwhile."""
        known = self._question.known
        admitting = self._gateway.tasks.start(self._gateway.accounts.admit(self._ask()))
        try:
            await asyncio.sleep(0)  # it asks first: its reply takes longer than the cache's
            found: Any = await self._gateway.cache.get_at(LLM, self._question.key) if self._claim is not None else None
            refusal = None
            try:
                admission = await asyncio.shield(admitting)
                known.hear(admission.token)
            except GatewayError as error:
                refusal = error
            await self._permitted()  # before anything else is told, or done
            if found is None:
                if refusal is not None:
                    raise refusal
                return admission
        except BaseException as error:
            admitting.add_done_callback(_withdraw)  # first: what follows may be cancelled
            if isinstance(error, GatewayError):
                flight.refused = known.caller
            if isinstance(error, GatewayError | FlightLostError):
                await self._release_at_once()  # others may ask in a moment
            raise
        admitting.add_done_callback(_withdraw)
        document, flight.saved_ms = found
        flight.outcome = "hit"
        flight.begin(self._question.routes[0].provider.name)
        flight.finish(from_stored(document))
        return None

    async def _permitted(self) -> None:
        """Wait until the asker may call. Who may not hears of it in `complete`; who has joined asks anew."""
        try:
            await self._question.known.permitted()
        except GatewayError:
            raise FlightLostError from None

    async def _follow(self, flight: Flight, admission: Admission) -> None:
        """Take the answer from the process that has called the provider already."""
        if self._claim is None or admission.leader is None:
            raise RuntimeError("a call without a leader that is not led")
        flight.outcome = "coalesced"
        await self._gateway.follower.follow(flight, self._claim, admission.leader)

    async def _lead(self, flight: Flight, admission: Admission, call: Call) -> None:
        """Call the provider, and keep what it answers; until then whoever asks the same finds the flight itself."""
        flight.headers = admission.headers
        if self._claim is not None:
            self._gateway.leader.lead(self._claim, flight)
        try:
            traced = self._traced(call) if self._gateway.is_traced else nullcontext()
            with call.refused_if_broken(), traced as span:
                routes = admission.allowed(self._question.routes)
                if self._question.streams:
                    await self._stream(flight, call, routes, span)
                else:
                    await self._whole(flight, call, routes)
        except BaseException:
            self._gateway.flights.forget(flight)
            await self._release_at_once()
            raise
        try:
            if self._is_kept:
                answer = [to_stored(flight.document), call.duration_ms]
                await self._gateway.cache.put_at(LLM, self._question.key, answer)
        finally:  # a claim that nobody lets go is kept up for ever
            if self._claim is not None:
                self._gateway.leader.release(self._claim)

    async def _finish(self, flight: Flight, answered: Route, document: dict[str, Any], body: bytes | None) -> None:
        """End a flight. Who asks after one that is not kept must not find it any more, here or elsewhere."""
        is_good_one = flight.draft.error is None and is_complete(document)
        # What another provider said in place of the one that was chosen is no answer of that one's.
        self._is_kept = is_good_one and self._question.writes_cache and answered == self._question.routes[0]
        if not is_good_one:
            self._gateway.flights.forget(flight)
            await self._release_at_once()
        flight.finish(document, body)

    async def _release_at_once(self) -> None:
        if self._claim is not None:
            await self._gateway.leader.release_at_once(self._claim)

    @contextmanager
    def _traced(self, call: Call) -> Iterator[ModelCall]:
        """Tell a collector of traces about a call."""
        route = self._question.routes[0]
        span = ModelCall(
            self._gateway.tracer,
            operation="chat",
            provider=route.provider.name,
            kind=route.provider.kind,
            model=route.model,
            base_url=route.provider.base_url,
            stream=self._question.streams,
        )
        error: str | None = "cancelled"
        try:
            yield span
            error = None
        except GatewayError as refusal:
            error = refusal.code or str(refusal.status)
            raise
        finally:
            span.end(
                model=call.model,
                prompt_tokens=call.prompt_tokens,
                cached_prompt_tokens=call.cached_prompt_tokens,
                completion_tokens=call.completion_tokens,
                error=error,
            )

    async def _stream(self, flight: Flight, call: Call, routes: Sequence[Route], span: ModelCall | None) -> None:
        flight.called_at = time.perf_counter()
        answering = await self._gateway.providers.stream(routes, self._question.body)
        status: CallStatus = "cancelled"
        try:
            call.answered_by(answering.route)
            flight.begin(answering.route.provider.name)
            if span is not None:
                span.began_to_answer()
            async with aclosing(answering.batches) as pieces:
                async for piece in pieces:
                    call.saw(piece.raw)
                    await flight.add(piece)
                    if piece.is_done:
                        break
                await self._finish(flight, answering.route, flight.draft.document(), None)
                status = "completed"
                with suppress(TimeoutError, StopAsyncIteration):
                    async with asyncio.timeout(_LAST_WORDS_SECONDS):
                        await anext(pieces)  # read to its end, its connection can be used again
        except Exception:
            status = "failed"
            raise
        finally:
            call.end_stream(status)

    async def _whole(self, flight: Flight, call: Call, routes: Sequence[Route]) -> None:
        flight.called_at = time.perf_counter()
        answered = await self._gateway.providers.whole(routes, "chat/completions", self._question.body)
        call.answered_by(answered.route)
        call.end_whole(answered.document)
        flight.begin(answered.route.provider.name)
        await self._finish(flight, answered.route, answered.document, answered.body)

    def _ask(self) -> Ask:
        question = self._question
        return Ask(
            caller=question.known.caller,
            route=question.routes[0],
            prompt_tokens=estimate.prompt_tokens(question.body),
            completion_tokens=estimate.completion_tokens(question.body),
            claim=self._claim,
            token_key=question.known.token_key,
        )


def _withdraw(admitting: asyncio.Task[Admission]) -> None:
    """Undo an admission that nobody makes use of, once it is there."""
    if not admitting.cancelled() and admitting.exception() is None:
        admitting.result().withdraw()
