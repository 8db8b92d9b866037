"""Chat completions over HTTP: a question becomes a client of a flight, and is answered as it asked to be."""

import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from basechat.infra.cache.layers import LLM
from basechat.infra.web.disconnect import DisconnectWatcher
from basechat.infra.web.event_stream import EventStream
from basechat.llm.answering import Answering
from basechat.llm.answers.key import answer_parts, conversation
from basechat.llm.callers import Known
from basechat.llm.errors import GatewayError
from basechat.llm.flights.flight import Flight, FlightLostError, Outcome, Reader
from basechat.llm.gateway import Gateway
from basechat.llm.question import Question
from basechat.llm.requests import read_chat

TRIES = 5
"""How often a question is asked whose flight was lost, or was refused to who led it; the last time on its own."""


async def complete(gateway: Gateway, request: Request, known: Known, raw: bytes) -> Response:
    """Answer one call of `/v1/chat/completions`; raises `GatewayError` and `ClientDisconnectedError`."""
    body = read_chat(raw)
    owner_id = known.caller.owner_id
    routes = await gateway.catalogue.routes(body.get("model"), affinity=lambda: conversation(body, owner_id))
    chosen = routes[0]
    parts = answer_parts(
        body, provider=chosen.provider, model=chosen.model, owner_id=owner_id, scope=gateway.cache_scope
    )
    control = request.headers.get("cache-control", "").lower()
    stores = gateway.cache_scope != "off" and "no-store" not in control
    question = Question(
        known=known,
        body=body,
        routes=routes,
        key=gateway.cache.key(LLM, parts),
        reads_cache=stores and "no-cache" not in control,
        writes_cache=stores,
    )
    watcher = DisconnectWatcher(request.receive)
    try:
        for _ in range(TRIES - 1):
            try:
                return await _answer(gateway, watcher, question, shared=question.reads_cache)
            except FlightLostError:
                await known.permitted()
        return await _answer(gateway, watcher, question, shared=False)
    except BaseException:
        watcher.close()
        raise


async def _answer(gateway: Gateway, watcher: DisconnectWatcher, question: Question, *, shared: bool) -> Response:
    """Answer as the question wants it. A stream watches its client to the end, any other answer no more."""
    answering = Answering(gateway, question, shared=shared)
    if shared:
        reader, leads = gateway.flights.join(question.key, answering.fly)
    else:
        reader, leads = gateway.flights.start(answering.fly), True
    ended = _ending(gateway, question, reader, leads=leads)
    try:
        async with watcher:
            if not leads:  # the leader's own leave is asked for on the way of its call
                await question.known.permitted()
            answer = None if question.streams else await reader.whole()
            await reader.begun()
            await question.known.permitted()
    except BaseException as error:
        reader.leave()
        if isinstance(error, GatewayError) and reader.flight.refused not in (None, question.known.caller):
            raise FlightLostError from None
        raise
    headers = _headers(question, reader, leads=leads)
    if answer is None:
        events = reader.stream(with_usage=question.with_usage)
        return EventStream(events, headers, watcher=watcher, ended=ended)
    ended()
    watcher.close()
    return Response(answer, headers=headers, media_type="application/json")


def _headers(question: Question, reader: Reader, *, leads: bool) -> dict[str, str]:
    flight = reader.flight
    spent = (flight.called_at or time.perf_counter()) - question.began
    return {
        **(flight.headers if leads else {}),
        "x-basechat-provider": flight.provider,
        "x-basechat-cache": _outcome(reader, leads=leads),
        "x-basechat-overhead-ms": f"{max(spent, 0) * 1000:.1f}",
    }


def _outcome(reader: Reader, *, leads: bool) -> Outcome:
    """Return where a client's answer came from. All but one share a call; who comes after its end finds it kept."""
    outcome = reader.flight.outcome
    if leads or outcome != "miss":
        return outcome
    return "hit" if reader.is_late else "coalesced"


def _ending(gateway: Gateway, question: Question, reader: Reader, *, leads: bool) -> Callable[[], None]:
    """Return what is to be done when a client has its answer, or has left."""

    def ended() -> None:
        reader.leave()
        flight, outcome = reader.flight, _outcome(reader, leads=leads)
        if outcome == "bypass":
            gateway.counters.add("cache.llm.bypassed")
        if outcome == "miss":
            _observe(gateway, question, flight)
        elif outcome != "bypass" and flight.has_ended and flight.error is None:
            _count_saved(gateway, question, flight, outcome)

    return ended


def _observe(gateway: Gateway, question: Question, flight: Flight) -> None:
    if flight.called_at is None or not flight.provider:
        return
    gateway.timings.overhead(flight.provider, flight.called_at - question.began)
    if flight.began_at is not None:
        gateway.timings.first_token(flight.provider, flight.began_at - question.began)


def _count_saved(gateway: Gateway, question: Question, flight: Flight, outcome: Outcome) -> None:
    """Count what a call would have taken that was not made; it is in the person's usage, and cost nothing."""
    usage = flight.document.get("usage")
    prompt, completion = _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens")
    counters, route = gateway.counters, question.routes[0]
    if outcome == "coalesced":
        counters.add("cache.llm.coalesced")
    elif flight.saved_ms is not None:
        counters.add("cache.llm.saved_seconds", flight.saved_ms / 1000)
    if route.price is not None:
        cost = route.price.cost(prompt_tokens=prompt, cached_prompt_tokens=0, completion_tokens=completion)
        counters.add("cache.llm.saved_cost", float(cost))
    spent_ms = int((time.perf_counter() - question.began) * 1000)
    gateway.accounts.note_cached(question.known.caller, route, "chat", prompt, completion, spent_ms, spent_ms)


def _tokens(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and 0 <= count < 2**31 else 0
