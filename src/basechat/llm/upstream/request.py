"""One request to a provider."""

import asyncio
import logging
from typing import Any

import aiohttp

from basechat.infra.http import read_at_most
from basechat.kit import json
from basechat.llm.errors import GatewayError
from basechat.llm.providers.route import Route

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
SILENCE_SECONDS = 300
_ERROR_BYTES = 65_536
_ANSWER_BYTES = 32_000_000
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)


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
