"""Embeddings: one call of a provider, with limits of count, size and time."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from basechat.infra.web.streaming import DisconnectWatcher
from basechat.llm.callers import PendingAuth
from basechat.llm.errors import GatewayError
from basechat.llm.gateway import Gateway
from basechat.llm.metering.admission import Quote
from basechat.llm.requests import input_tokens, parse_object

SECONDS = 120
INPUTS = 2_048
CHARACTERS = 300_000  # of texts; of tokens it is OpenAI's own limit


async def embed(gateway: Gateway, request: Request, auth: PendingAuth, raw: bytes) -> Response:
    """Answer `/v1/embeddings`; raises `GatewayError` and `ClientDisconnectedError`."""
    began = time.perf_counter()
    body = _parse(raw)
    routes = await gateway.catalogue.routes(body.get("model"), "embedding")
    quote = Quote(
        caller=auth.caller,
        route=routes[0],
        kind="embedding",
        prompt_tokens=input_tokens(body["input"]),
        token_key=auth.token_key,
    )
    admission = await gateway.admit(auth, quote)
    if (call := admission.call) is None:
        raise RuntimeError("only a call with a claim can have a leader")
    overhead = f"{(time.perf_counter() - began) * 1000:.1f}"
    watcher = DisconnectWatcher(request.receive)
    try:
        with call.refused_if_broken():
            async with watcher:
                answer = await gateway.providers.whole(admission.allowed(routes), "embeddings", body, seconds=SECONDS)
    finally:
        watcher.close()
    call.answered_by(answer.route)
    call.end_whole(answer.document)
    headers = {
        **admission.headers,
        "x-basechat-provider": answer.route.provider.name,
        "x-basechat-cache": "bypass",
        "x-basechat-overhead-ms": overhead,
    }
    return Response(answer.body, headers=headers, media_type="application/json")


def _parse(raw: bytes) -> dict[str, Any]:
    """The body of a call; raises `GatewayError`."""
    body = parse_object(raw)
    inputs = body.get("input")
    if isinstance(inputs, str) and inputs:
        _check_size(len(inputs))
        return body
    if not isinstance(inputs, list) or not inputs or not (_are_texts(inputs) or _are_tokens(inputs)):
        raise GatewayError(400, "`input` must be a text or a list of texts. No text may be empty.", param="input")
    if len(inputs) > INPUTS and not isinstance(inputs[0], int):
        raise GatewayError(400, f"`input` may hold at most {INPUTS:,} texts.", param="input")
    _check_size(sum(1 if isinstance(each, int) else len(each) for each in inputs))
    return body


def _are_texts(inputs: list[Any]) -> bool:
    return all(isinstance(text, str) and text for text in inputs)


def _are_tokens(inputs: list[Any]) -> bool:
    """Whether the input is a list of tokens, or several, which some clients send. Some providers refuse them."""
    texts = [inputs] if isinstance(inputs[0], int) else inputs
    return all(isinstance(text, list) and text and all(type(token) is int for token in text) for text in texts)


def _check_size(size: int) -> None:
    if size > CHARACTERS:
        raise GatewayError(
            400, f"`input` may have at most {CHARACTERS:,} characters or tokens in total.", param="input"
        )
