"""Posting a request to a provider: what comes back has begun as an answer, everything else is a failure."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import aiohttp

from basechat.kit import json
from basechat.llm.providers.route import Route
from basechat.llm.upstream.failure import Remedy, unreachable
from basechat.llm.upstream.limits import Limits
from basechat.llm.upstream.refusal import refusal

log = logging.getLogger(__name__)

_OK = 200
# A wrong address or certificate is wrong the next time too.
_FOR_EVER = (aiohttp.InvalidURL, aiohttp.ClientSSLError)


@lru_cache(maxsize=100)
def _timeout(connect_seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=connect_seconds, sock_read=None)


async def post(route: Route, path: str, body: Mapping[str, Any], limits: Limits) -> aiohttp.ClientResponse:
    """Return a provider's answer when its headers are there; raises `Failure`."""
    upstream, provider = route.upstream, route.provider
    try:
        response = await upstream.http.post(
            f"{upstream.address.base_url}/{path}",
            data=json.dumps({**body, "model": route.model}),
            headers={**provider.headers, "content-type": "application/json"},
            timeout=_timeout(limits.connect_seconds),
            allow_redirects=False,
        )
    except aiohttp.ConnectionTimeoutError:
        log.warning("provider %s takes no connection", provider.name)
        raise unreachable(provider.name, Remedy.NEXT) from None
    except aiohttp.ClientError as error:
        log.warning("provider %s can't be reached: %s", provider.name, error)
        raise unreachable(provider.name, Remedy.NEXT if isinstance(error, _FOR_EVER) else Remedy.RETRY) from None
    if response.status == _OK:
        return response
    try:
        raise await refusal(provider, response)
    finally:
        response.close()
