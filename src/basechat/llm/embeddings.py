"""Embeddings: one call of a provider, bounded in count, size and time."""

import asyncio
import time
from typing import Any

from starlette.responses import Response

from basechat.llm.accounting.accounts import Accounts, Ask
from basechat.llm.errors import GatewayError
from basechat.llm.estimate import input_tokens
from basechat.llm.providers.catalogue import Catalogue
from basechat.llm.providers.route import Route
from basechat.llm.requests import read_object
from basechat.llm.upstream.request import call, refusal, whole
from basechat.protocol import Caller

SECONDS = 120
INPUTS = 2_048
CHARACTERS = 300_000  # or tokens, which is OpenAI's own limit


async def embed(catalogue: Catalogue, accounts: Accounts, caller: Caller, raw: bytes) -> Response:
    """Answer one call of `/v1/embeddings`; raises `GatewayError`."""
    began = time.perf_counter()
    body = read_body(raw)
    route, *_ = await catalogue.routes(body.get("model"), "embedding")
    provider = route.upstream.provider.name
    ask = Ask(caller=caller, route=route, kind="embedding", prompt_tokens=input_tokens(body["input"]))
    admission = await accounts.admit(ask)
    if (record := admission.call) is None:
        raise RuntimeError("a call that claims no flight was admitted to follow one")
    headers = {
        **admission.headers,
        "x-basechat-provider": provider,
        "x-basechat-cache": "bypass",
        "x-basechat-overhead-ms": f"{(time.perf_counter() - began) * 1000:.1f}",
    }
    try:
        with record.refused_if_broken():
            async with asyncio.timeout(SECONDS):
                answer, document = await _ask(route, body | {"model": route.model})
    except TimeoutError:
        raise GatewayError(504, f"The provider {provider} did not answer in time.") from None
    record.end_whole(document)
    return Response(answer, headers=headers, media_type="application/json")


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


async def _ask(route: Route, body: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    async with await call(route, "embeddings", body) as upstream:
        if upstream.status != 200:
            raise await refusal(upstream)
        return await whole(upstream)


def _are_texts(said: list[Any]) -> bool:
    return all(isinstance(text, str) and text for text in said)


def _are_tokens(said: list[Any]) -> bool:
    """Whether it is a text as tokens, or a list of such texts, which some clients send; not every provider reads it."""
    texts = [said] if isinstance(said[0], int) else said
    return all(isinstance(text, list) and text and all(type(token) is int for token in text) for text in texts)


def _check_size(size: int) -> None:
    if size > CHARACTERS:
        raise GatewayError(400, f"`input` may have at most {CHARACTERS:,} characters or tokens in all.", param="input")
