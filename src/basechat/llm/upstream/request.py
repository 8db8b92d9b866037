"""Posting a request to a provider: what comes back has begun as an answer, everything else is a failure."""

import logging
from collections.abc import Mapping
from typing import Any

from basechat.infra.http1.connection import Reply
from basechat.infra.http1.errors import ConnectTimeoutError, HttpError, UnreachableError
from basechat.kit import json
from basechat.llm.providers.route import Route
from basechat.llm.upstream.failure import Remedy, unreachable
from basechat.llm.upstream.limits import Limits
from basechat.llm.upstream.refusal import refusal

log = logging.getLogger(__name__)

_OK = 200


async def post(route: Route, path: str, body: Mapping[str, Any], limits: Limits) -> Reply:
    """Return a provider's answer when its head is there; raises `Failure`."""
    provider = route.provider
    try:
        reply = await route.upstream.calls.post(
            path,
            json.dumps({**body, "model": route.model}),
            {**provider.headers, "content-type": "application/json"},
            connect_seconds=limits.connect_seconds,
        )
    except HttpError as error:
        log.warning("provider %s can't be reached: %s", provider.name, error)
        raise unreachable(provider.name, _remedy(error)) from None
    if reply.status == _OK:
        return reply
    try:
        raise await refusal(provider, reply)
    finally:
        reply.close()


def _remedy(error: HttpError) -> Remedy:
    """Return what helps: one that takes no connection, or has a wrong certificate, is the same the next time."""
    if isinstance(error, ConnectTimeoutError) or (isinstance(error, UnreachableError) and error.for_ever):
        return Remedy.NEXT
    return Remedy.RETRY
