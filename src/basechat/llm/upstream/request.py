"""Posting a request to a provider: what comes back has begun as an answer, everything else is a failure."""

import logging
from collections.abc import Mapping
from typing import Any

from basechat.infra.network.outbound import OutboundError, OutboundReply
from basechat.kit import json
from basechat.llm.providers.route import Route
from basechat.llm.upstream.failure import Remedy, unreachable
from basechat.llm.upstream.limits import Limits
from basechat.llm.upstream.refusal import refusal

log = logging.getLogger(__name__)

_OK = 200


async def post(route: Route, path: str, body: Mapping[str, Any], limits: Limits) -> OutboundReply:
    """Return a provider's answer when its head is there; raises `Failure`."""
    provider = route.provider
    try:
        reply = await route.upstream.http.request(
            "POST",
            path,
            {**provider.headers, "content-type": "application/json"},
            json.dumps({**body, "model": route.model}),
            connect_seconds=limits.connect_seconds,
        )
    except OutboundError as error:
        log.warning("provider %s can't be reached: %s", provider.name, error)
        raise unreachable(provider.name, Remedy.NEXT if error.is_permanent else Remedy.RETRY) from None
    if reply.status == _OK:
        return reply
    try:
        raise await refusal(provider, reply)
    finally:
        reply.close()
