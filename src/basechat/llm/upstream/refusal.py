"""Reading the errors of providers, which look different everywhere, and telling them as OpenAI would."""

import asyncio
import logging
import math
from collections.abc import Mapping
from typing import Any

from basechat.infra.network.outbound import OutboundError, OutboundReply
from basechat.kit import json
from basechat.llm.errors import GatewayError
from basechat.llm.providers.provider import Provider
from basechat.llm.upstream.failure import SERVER_ERROR, Failure, Remedy, garbled, remedy_for
from basechat.llm.upstream.retry import may_retry, retry_after

log = logging.getLogger(__name__)

_BODY_BYTES = 65_536
_BODY_SECONDS = 5
_MESSAGE = 2_000
_CODE = 100
_ERRORS = range(400, 600)
_BAD_GATEWAY = 502
_ANSWERS = frozenset({"choices", "data", "usage"})
_SILENT = {"message": "The provider failed without saying why."}
# A quota that is used up is a 429 too, but no pause helps against it.
_SPENT = ("insufficient_quota", "billing_hard_limit_reached")
# What errors in the middle of a stream are called, which have no status of their own.
_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}


async def refusal(provider: Provider, reply: OutboundReply) -> Failure:
    """Return what an answer with another status than 200 says."""
    status = reply.status
    if status not in _ERRORS:  # a redirect, most of all, which would carry the key elsewhere
        return garbled(provider.name, f"status {status}")
    said = await _body(reply)
    try:
        found = error_in(json.loads(said))
    except ValueError:
        found = None
    if found is None:
        log.info("an error of provider %s without a known shape: %d %.200r", provider.name, status, said)
        found = {"message": f"The provider answered with status {status}."}
    return _failure(provider, status, found, reply.headers)


def told_in_place(provider: Provider, found: dict[str, Any]) -> Failure:
    """Return what an error says that came with status 200, in the place of an answer."""
    status = next((each for each in (found.get("code"), found.get("status")) if each in _ERRORS), None)
    return _failure(provider, status or _STATUS_OF_TYPE.get(str(found.get("type")), _BAD_GATEWAY), found, {})


def error_in(document: Any) -> dict[str, Any] | None:
    """Return the error of a document in OpenAI's shape, or None where it is no error.

    Gemini wraps it in a list, Ollama has a text for it, older vLLM and Mistral nothing around it, FastAPI a `detail`.
    """
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return None
    if error := document.get("error"):
        return _SILENT | error if isinstance(error, dict) else {"message": str(error)}
    if not _ANSWERS.isdisjoint(document):
        return None
    if document.get("object") == "error" or "message" in document:
        return _SILENT | document
    detail = document.get("detail")
    return {"message": detail if isinstance(detail, str) else json.dumps(detail).decode()} if detail else None


def _failure(provider: Provider, status: int, found: dict[str, Any], headers: Mapping[str, str]) -> Failure:
    code, param = (found[name] if isinstance(found.get(name), str) else None for name in ("code", "param"))
    remedy, may, wait = remedy_for(status), may_retry(headers), retry_after(headers)
    if remedy is Remedy.RETRY and (may is False or code in _SPENT):
        remedy = Remedy.NEXT
    elif may:
        remedy = Remedy.RETRY
    error = GatewayError(
        status,
        _without_key(provider, str(found.get("message")))[:_MESSAGE],
        code=code and code[:_CODE],
        param=param and param[:_CODE],
        retry_after=None if wait is None else str(math.ceil(wait)),
    )
    return Failure(error, remedy, counts=status >= SERVER_ERROR, wait_seconds=wait)


def _without_key(provider: Provider, message: str) -> str:
    """Some providers repeat the key that they don't take; it is not the client's to see."""
    key = provider.api_key.get_secret_value() if provider.api_key else ""
    return message.replace(key, "…") if key else message


async def _body(reply: OutboundReply) -> bytes:
    """Return the first bytes of an error, which may be endless, or never come."""
    said = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while len(said) < _BODY_BYTES and (part := await reply.read()):
                said += part
    except (OutboundError, TimeoutError) as error:
        log.info("an error of a provider broke off: %s", error)
    return bytes(said)
