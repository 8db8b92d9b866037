"""Chat completions over HTTP: each request becomes a client of a shared completion."""

import time
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from basechat.infra.cache.layers import LLM
from basechat.infra.web.streaming import DisconnectWatcher, EventStream
from basechat.llm.callers import PendingAuth
from basechat.llm.completion_run import CompletionRun
from basechat.llm.gateway import Gateway
from basechat.llm.requests import CompletionRequest, answer_parts, conversation, parse_chat
from basechat.llm.single_flight.shared import CompletionHead, LostCompletionError, Outcome, Reader

TRIES = 5
"""Tries of a request whose completion was lost, or refused to another caller. The last one is not shared."""


async def complete(gateway: Gateway, request: Request, auth: PendingAuth, raw: bytes) -> Response:
    """Answer `/v1/chat/completions`; raises `GatewayError` and `ClientDisconnectedError`."""
    completion = await _parse(gateway, request, auth, raw)
    watcher = DisconnectWatcher(request.receive)
    try:
        for _ in range(TRIES - 1):
            with suppress(LostCompletionError):
                return await _answer(gateway, watcher, completion, shared=completion.reads_cache)
        return await _answer(gateway, watcher, completion, shared=False)
    except BaseException:
        watcher.close()
        raise


async def _parse(gateway: Gateway, request: Request, auth: PendingAuth, raw: bytes) -> CompletionRequest:
    body = parse_chat(raw)
    owner_id = auth.caller.owner_id
    routes = await gateway.catalogue.routes(body.get("model"), affinity=lambda: conversation(body, owner_id))
    first = routes[0]
    parts = answer_parts(body, provider=first.provider, model=first.model, owner_id=owner_id, scope=gateway.cache_scope)
    control = request.headers.get("cache-control", "").lower()
    stores = gateway.cache_scope != "off" and "no-store" not in control
    return CompletionRequest(
        auth=auth,
        body=body,
        routes=routes,
        key=gateway.cache.key(LLM, parts),
        reads_cache=stores and "no-cache" not in control,
        writes_cache=stores,
    )


async def _answer(
    gateway: Gateway, watcher: DisconnectWatcher, request: CompletionRequest, *, shared: bool
) -> Response:
    """The answer in the requested form. A stream watches its client to the end."""
    run, auth = CompletionRun(gateway, request, shared=shared), request.auth
    if shared:
        reader, leads = gateway.flights.join(request.key, run.run, auth.caller)
    else:
        reader, leads = gateway.flights.start(run.run, auth.caller), True
    if not leads:
        auth.start_look_up(gateway.tasks)
    try:
        async with watcher:
            body = None if request.streams else await reader.whole()
            head = await reader.begun()
            await auth.ensure_authorized()
    except BaseException:
        reader.leave()
        raise
    outcome = _outcome(reader, head, leads=leads)
    headers = _headers(request, head, outcome, leads=leads)
    if body is None:
        events, ended = reader.stream(with_usage=request.with_usage), partial(_end, gateway, request, reader, outcome)
        return EventStream(events, headers, watcher=watcher, ended=ended)
    _end(gateway, request, reader, outcome)
    watcher.close()
    return Response(body, headers=headers, media_type="application/json")


def _outcome(reader: Reader, head: CompletionHead, *, leads: bool) -> Outcome:
    """Only the first client of a call has a miss. Clients that join after its end find a stored answer."""
    if leads or head.outcome != "miss":
        return head.outcome
    return "hit" if reader.is_late else "coalesced"


def _headers(request: CompletionRequest, head: CompletionHead, outcome: Outcome, *, leads: bool) -> dict[str, str]:
    seconds = (head.called_at or time.perf_counter()) - request.began
    return {
        **(head.headers if leads else {}),
        "x-basechat-provider": head.provider,
        "x-basechat-cache": outcome,
        "x-basechat-overhead-ms": f"{max(seconds, 0) * 1000:.1f}",
    }


def _end(gateway: Gateway, request: CompletionRequest, reader: Reader, outcome: Outcome) -> None:
    """Leave the completion and count it, when the client has its answer or has disconnected."""
    reader.leave()
    shared = reader.shared
    if outcome == "bypass":
        gateway.counters.add("cache.llm.bypassed")
    elif outcome == "miss":
        _observe(gateway, request, shared.head)
    elif shared.has_ended and shared.error is None:
        _count_saved(gateway, request, shared.head, shared.document.get("usage"), outcome)


def _observe(gateway: Gateway, request: CompletionRequest, head: CompletionHead | None) -> None:
    if head is not None and head.called_at is not None:
        gateway.timings.overhead(head.provider, head.called_at - request.began)
        gateway.timings.first_token(head.provider, head.began_at - request.began)


def _count_saved(
    gateway: Gateway, request: CompletionRequest, head: CompletionHead | None, usage: Any, outcome: Outcome
) -> None:
    """Count what the call of a provider would have cost. It is part of the caller's usage, and cost nothing."""
    prompt, completion = _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens")
    counters, route = gateway.counters, request.routes[0]
    if outcome == "coalesced":
        counters.add("cache.llm.coalesced")
    elif head is not None and head.saved_ms is not None:
        counters.add("cache.llm.saved_seconds", head.saved_ms / 1000)
    if route.price is not None:
        cost = route.price.cost(prompt_tokens=prompt, cached_prompt_tokens=0, completion_tokens=completion)
        counters.add("cache.llm.saved_cost", float(cost))
    took_ms = int((time.perf_counter() - request.began) * 1000)
    gateway.admission.note_cached(request.auth.caller, route, "chat", prompt, completion, took_ms, took_ms)


def _tokens(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and 0 <= count < 2**31 else 0
