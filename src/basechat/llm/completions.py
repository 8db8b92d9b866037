"""Chat completions: one call of a provider, relayed piece by piece as it comes."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from starlette.responses import Response

from basechat.infra.http import read_at_most
from basechat.infra.web.event_stream import EventStream
from basechat.kit import json
from basechat.llm.errors import GatewayError
from basechat.llm.providers.catalogue import Catalogue, Route
from basechat.llm.usage.book import UsageBook
from basechat.llm.usage.call import Call, CallStatus
from basechat.protocol import Caller

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
SILENCE_SECONDS = 300
_ERROR_BYTES = 65_536
_MODEL_NAME = 200
_ANSWER_BYTES = 32_000_000
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)


async def complete(catalogue: Catalogue, usage: UsageBook, caller: Caller, raw: bytes) -> Response:
    """Answer one call of `/v1/chat/completions`; raises `GatewayError`."""
    began = time.perf_counter()
    body = read_body(raw)
    route = await catalogue.route(body.get("model"))
    provider = route.upstream.provider.name
    record = usage.begin(caller, provider=provider, model=route.model)
    with record.refused_if_broken():
        upstream = await call(route, "chat/completions", body | {"model": route.model})
        headers = {
            "x-basechat-provider": provider,
            "x-basechat-cache": "bypass",
            "x-basechat-overhead-ms": f"{(time.perf_counter() - began) * 1000:.1f}",
        }
        if upstream.status != 200:
            async with upstream:
                raise await refusal(upstream)
        if body.get("stream"):
            return EventStream(_relay(upstream, record), headers)
        async with upstream:
            answer, document = await whole(upstream)
    record.end_whole(document)
    return Response(answer, headers=headers, media_type="application/json")


def read_body(raw: bytes) -> dict[str, Any]:
    """Return the body of a call; fields that are not known here go to the provider untouched."""
    body = read_object(raw)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise GatewayError(400, "`messages` must be a list of at least one message.", param="messages")
    if not isinstance(body.get("stream", False), bool | None):
        raise GatewayError(400, "`stream` must be true or false.", param="stream")
    return body


def read_object(raw: bytes) -> dict[str, Any]:
    """Return what the bodies of all calls are: a JSON object that may name a model."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise GatewayError(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(body, dict):
        raise GatewayError(400, "The body must be a JSON object.")
    model = body.get("model")
    if not isinstance(model, str | None) or len(model or "") > _MODEL_NAME:
        raise GatewayError(400, f"`model` must be a string of at most {_MODEL_NAME} characters.", param="model")
    return body


async def call(route: Route, path: str, body: dict[str, Any]) -> aiohttp.ClientResponse:
    """Post to a provider; raises `GatewayError` where it does not begin to answer."""
    upstream = route.upstream
    headers = {**upstream.provider.headers, "content-type": "application/json"}
    url = f"{upstream.address.base_url}/{path}"
    try:
        return await upstream.http.post(
            url, data=json.dumps(body), headers=headers, timeout=_TIMEOUT, allow_redirects=False
        )
    except TimeoutError:
        raise GatewayError(504, f"The provider {upstream.provider.name} did not answer in time.") from None
    except aiohttp.ClientError as error:
        log.warning("provider %s can't be reached: %s", upstream.provider.name, error)
        raise GatewayError(502, f"The provider {upstream.provider.name} can't be reached.") from None


async def refusal(upstream: aiohttp.ClientResponse) -> GatewayError:
    """Return the provider's error, with its status and what it says."""
    try:
        said = await read_at_most(upstream.content, _ERROR_BYTES)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        said = b""
    status = upstream.status if upstream.status >= 400 else 502
    message, code, param = f"The provider answered with status {upstream.status}.", None, None
    try:
        error = json.loads(said)["error"]
        message, code, param = str(error["message"]), error.get("code"), error.get("param")
    except (ValueError, KeyError, TypeError, AttributeError):
        log.info("a provider's error without OpenAI's shape: %.200r", said)
    return GatewayError(status, message, code=code, param=param, retry_after=upstream.headers.get("retry-after"))


async def _relay(upstream: aiohttp.ClientResponse, record: Call) -> AsyncGenerator[bytes]:
    """Yield the provider's stream as it comes; a cut becomes an error chunk."""
    status: CallStatus = "cancelled"
    try:
        async for chunk in upstream.content.iter_any():
            record.saw(chunk)
            yield chunk
        status = "completed"
    except TimeoutError:
        status = "failed"
        yield GatewayError(504, "The provider fell silent.", code="provider_silent").chunk()
    except aiohttp.ClientError:
        status = "failed"
        yield GatewayError(502, "The provider's answer broke off.", code="provider_cut").chunk()
    finally:
        record.end_stream(status)
        upstream.close() if not upstream.content.at_eof() else upstream.release()


async def whole(upstream: aiohttp.ClientResponse, *, seconds: float = SILENCE_SECONDS) -> tuple[bytes, dict[str, Any]]:
    """Return an answer in one body, as it is and as it reads; raises `GatewayError`."""
    try:
        async with asyncio.timeout(seconds):
            answer = await read_at_most(upstream.content, _ANSWER_BYTES)
        document = json.loads(answer)
        if not isinstance(document, dict):
            raise ValueError
    except TimeoutError:
        raise GatewayError(504, "The provider did not finish its answer in time.") from None
    except (aiohttp.ClientError, ValueError):
        raise GatewayError(502, "The provider's answer can't be read.") from None
    return answer, document
