"""Chat completions over HTTP: a question becomes a client of a flight, and is answered as it asked to be."""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from basechat.infra.cache.layers import LLM
from basechat.infra.web.event_stream import EventStream
from basechat.infra.web.leaving import unless_left
from basechat.llm.answering import Answering
from basechat.llm.answers.key import answer_parts, conversation
from basechat.llm.callers import Known
from basechat.llm.flights.flight import FlightLostError, Reader
from basechat.llm.gateway import Gateway
from basechat.llm.question import Question
from basechat.llm.requests import read_chat

TRIES = 3
"""How often a question is asked whose flight was lost; the last time on its own."""


async def complete(gateway: Gateway, request: Request, known: Known, raw: bytes) -> Response:
    """Answer one call of `/v1/chat/completions`; raises `GatewayError`, and `ClientLeftError` where nobody waits."""
    body = read_chat(raw)
    owner_id = known.caller.owner_id
    routes = await gateway.catalogue.routes(body.get("model"), affinity=conversation(body, owner_id))
    chosen = routes[0]
    parts = answer_parts(
        body, provider=chosen.provider, model=chosen.model, owner_id=owner_id, scope=gateway.cache_scope
    )
    control = request.headers.get("cache-control", "")
    stores = "no-store" not in control
    question = Question(
        known=known,
        body=body,
        routes=routes,
        key=gateway.cache.key(LLM, parts),
        reads_cache=stores and "no-cache" not in control,
        writes_cache=stores,
    )
    for _ in range(TRIES - 1):
        try:
            return await _answer(gateway, request, question, shared=question.reads_cache)
        except FlightLostError:
            continue
    return await _answer(gateway, request, question, shared=False)


async def _answer(gateway: Gateway, request: Request, question: Question, *, shared: bool) -> Response:
    answering = Answering(gateway, question, shared=shared)
    if shared:
        reader, leads = gateway.flights.join(question.key, answering.fly)
    else:
        reader, leads = gateway.flights.start(answering.fly), True
    ended = _ending(gateway, question, reader, leads=leads)
    try:
        if question.streams:
            await unless_left(request.receive, reader.begun())
            await question.known.permitted()
            events = reader.stream(with_usage=question.with_usage)
            return EventStream(events, _headers(question, reader, leads=leads), ended=ended)
        answer = await unless_left(request.receive, reader.whole())
        await question.known.permitted()
    except BaseException:
        reader.leave()
        raise
    ended()
    return Response(answer, headers=_headers(question, reader, leads=leads), media_type="application/json")


def _headers(question: Question, reader: Reader, *, leads: bool) -> dict[str, str]:
    flight = reader.flight
    cache = "coalesced" if flight.outcome == "miss" and not leads else flight.outcome
    spent = (flight.called_at or time.perf_counter()) - question.began
    return {
        **(flight.headers if leads else {}),
        "x-basechat-provider": flight.provider,
        "x-basechat-cache": cache,
        "x-basechat-overhead-ms": f"{max(spent, 0) * 1000:.1f}",
    }


def _ending(gateway: Gateway, question: Question, reader: Reader, *, leads: bool) -> Callable[[], None]:
    """Return what is to be done when a client has its answer, or has left."""
    return reader.leave
