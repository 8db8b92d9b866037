"""Asking llm-agent which models there are."""

from typing import Any, Literal
from uuid import UUID

import aiohttp

from basechat.infra.resources import Resources
from basechat.kit import json
from basechat.kit.errors import UnavailableError
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller

_TIMEOUT = aiohttp.ClientTimeout(total=10)


async def list_models(
    resources: Resources, owner_id: UUID, kind: Literal["chat", "embedding"] = "chat"
) -> list[dict[str, Any]]:
    """Return the models that can be called now, the default first, in OpenAI's form; raises `UnavailableError`."""
    signed = sign_caller(Caller(owner_id=owner_id, run_id=None, attempt=0), key=resources.secret, audience="llm-agent")
    url = f"{resources.agent_url}/v1/models?kind={kind}"
    try:
        async with resources.agent.get(url, headers={INTERNAL_HEADER: signed}, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            listed: list[dict[str, Any]] = json.loads(await response.read())["data"]
    except (aiohttp.ClientError, TimeoutError):
        raise UnavailableError("The model gateway does not answer now.", code="model.unavailable") from None
    return listed
