"""Embeddings: one call of a provider, bounded in count, size and time."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from basechat.infra.web.disconnect import DisconnectWatcher
from basechat.llm.accounting.accounts import Ask
from basechat.llm.callers import Known
from basechat.llm.errors import GatewayError
from basechat.llm.estimate import input_tokens
from basechat.llm.gateway import Gateway
from basechat.llm.requests import read_object

SECONDS = 120
INPUTS = 2_048
CHARACTERS = 300_000  # or tokens, which is OpenAI's own limit


async def embed(gateway: Gateway, request: Request, known: Known, raw: bytes) -> Response:
    """Answer one call of `/v1/embeddings`; raises `GatewayError`, and `ClientDisconnectedError` where nobody waits."""
    began = time.perf_counter()
    body = read_body(raw)
    routes = await gateway.catalogue.routes(body.get("model"), "embedding")
    await known.permitted()
    ask = Ask(caller=known.caller, route=routes[0], kind="embedding", prompt_tokens=input_tokens(body["input"]))
    admission = await gateway.accounts.admit(ask)
    if (call := admission.call) is None:
        raise RuntimeError("a call that claims no flight was admitted to follow one")
    overhead = f"{(time.perf_counter() - began) * 1000:.1f}"
    watcher = DisconnectWatcher(request.receive)
    try:
        with call.refused_if_broken():
            async with watcher:
                answered = await gateway.providers.whole(admission.allowed(routes), "embeddings", body, seconds=SECONDS)
    finally:
        watcher.close()
    call.answered_by(answered.route)
    call.end_whole(answered.document)
    headers = {
        **admission.headers,
        "x-basechat-provider": answered.route.provider.name,
        "x-basechat-cache": "bypass",
        "x-basechat-overhead-ms": overhead,
    }
    return Response(answered.body, headers=headers, media_type="application/json")


def read_body(raw: bytes) -> dict[str, Any]:
    """Return the body of a call; fields that are not known here go to the provider untouched."""
    body = read_object(raw)
    said = body.get("input")
    if isinstance(said, str) and said:
        _check_size(len(said))
        return body
    if not isinstance(said, list) or not said or not (_are_texts(said) or _are_tokens(said)):
        raise GatewayError(400, "`input` must be a text or a list of texts, none of them empty.", param="input")
    if len(said) > INPUTS and not isinstance(said[0], int):
        raise GatewayError(400, f"`input` may hold at most {INPUTS:,} texts.", param="input")
    _check_size(sum(1 if isinstance(each, int) else len(each) for each in said))
    return body


def _are_texts(said: list[Any]) -> bool:
    return all(isinstance(text, str) and text for text in said)


def _are_tokens(said: list[Any]) -> bool:
    """Whether it is a text as tokens, or a list of such texts, which some clients send; not every provider reads it."""
    texts = [said] if isinstance(said[0], int) else said
    return all(isinstance(text, list) and text and all(type(token) is int for token in text) for text in texts)


def _check_size(size: int) -> None:
    if size > CHARACTERS:
        raise GatewayError(400, f"`input` may have at most {CHARACTERS:,} characters or tokens in all.", param="input")
