"""Failed attempts: the client's error, the remedy, and the errors of providers in OpenAI's shape."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from basechat.infra.network.outbound import OutboundError, OutboundReply
from basechat.kit import json
from basechat.llm.errors import GatewayError
from basechat.llm.providers.provider import Provider

log = logging.getLogger(__name__)

# 408, 425, 429 and 409 (a lock was not acquired in time), as OpenAI's and Anthropic's own clients retry them.
_TRANSIENT = frozenset({408, 409, 425, 429})
# The request is wrong or too long, for any provider. Other statuses (401, 402, 403, 404, 405, 410 …) concern this
# provider alone: our key, our account, its models, its address.
_REQUEST_ERRORS = frozenset({400, 413, 414, 415, 422, 431})
_SERVER_ERROR = 500  # and above
_ERRORS = range(400, 600)
_BAD_GATEWAY = 502

_BODY_BYTES = 65_536
_BODY_SECONDS = 5
_MESSAGE_LENGTH = 2_000
_CODE_LENGTH = 100
_ANSWER_FIELDS = frozenset({"choices", "data", "usage"})
_NO_REASON = {"message": "The provider failed without saying why."}
# A used-up quota is a 429, too, but a pause does not help.
_USED_UP = ("insufficient_quota", "billing_hard_limit_reached")
# Errors inside a stream have a type instead of a status.
_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}


class Remedy(Enum):
    """What may succeed after a failure."""

    RETRY = "the same call after a pause"
    NEXT = "the next route"
    NONE = "another request"


class Failure(Exception):
    """An attempt that failed before the first token."""

    def __init__(
        self, error: GatewayError, remedy: Remedy, *, counts: bool = False, wait_seconds: float | None = None
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.remedy = remedy
        self.counts = counts
        """Whether the circuit breaker counts it: the provider is unreachable, silent or broken."""
        self.wait_seconds = wait_seconds
        """`Retry-After` of the provider, if any."""

    @property
    def is_transient(self) -> bool:
        return self.error.status in _TRANSIENT or self.error.status >= _SERVER_ERROR


def unreachable(name: str, remedy: Remedy) -> Failure:
    return Failure(GatewayError(502, f"The provider {name} can't be reached."), remedy, counts=True)


def late(name: str) -> Failure:
    """The first token took too long. A second attempt would take as long, so the next route is called."""
    error = GatewayError(504, f"The provider {name} did not answer in time.", code="provider_silent")
    return Failure(error, Remedy.NEXT, counts=True)


def cut(name: str) -> Failure:
    error = GatewayError(502, f"The answer of the provider {name} broke off.", code="provider_cut")
    return Failure(error, Remedy.RETRY, counts=True)


def garbled(name: str, what: str = "it is not a completion") -> Failure:
    """The body is not an answer: a proxy's page, or an address without an API. A retry would get the same."""
    error = GatewayError(502, f"The answer of the provider {name} can't be read: {what}.", code="provider_garbled")
    return Failure(error, Remedy.NEXT, counts=True)


def unavailable(name: str, seconds: float) -> Failure:
    wait = max(math.ceil(seconds), 1)
    error = GatewayError(
        503,
        f"The provider {name} failed repeatedly. The next call is possible in {wait} s.",
        code="provider_unavailable",
        retry_after=str(wait),
    )
    return Failure(error, Remedy.NEXT)


def client_error(failures: Sequence[Failure]) -> GatewayError:
    # The client's error if every route failed: the first transient one, else the first.
    return next((failure for failure in failures if failure.is_transient), failures[0]).error


async def refusal(provider: Provider, reply: OutboundReply) -> Failure:
    """The failure that an answer with a status other than 200 means."""
    status = reply.status
    if status not in _ERRORS:  # above all a redirect, which would send the key elsewhere
        return garbled(provider.name, f"status {status}")
    body = await _read_body(reply)
    try:
        found = find_error(json.loads(body))
    except ValueError:
        found = None
    if found is None:
        log.info("an error of provider %s without a known shape: %d %.200r", provider.name, status, body)
        found = {"message": f"The provider answered with status {status}."}
    return _failure(provider, status, found, reply.headers)


def error_in_answer(provider: Provider, found: dict[str, Any]) -> Failure:
    """The failure that an error with status 200 means, in the body or the stream."""
    status = next((each for each in (found.get("code"), found.get("status")) if each in _ERRORS), None)
    return _failure(provider, status or _STATUS_OF_TYPE.get(str(found.get("type")), _BAD_GATEWAY), found, {})


def find_error(document: Any) -> dict[str, Any] | None:
    """The error of a document in OpenAI's shape, or None if it contains no error.

    Gemini wraps it in a list. Ollama has a text. Older vLLM and Mistral wrap nothing around it. FastAPI has `detail`.
    """
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return None
    if error := document.get("error"):
        return _NO_REASON | error if isinstance(error, dict) else {"message": str(error)}
    if not _ANSWER_FIELDS.isdisjoint(document):
        return None
    if document.get("object") == "error" or "message" in document:
        return _NO_REASON | document
    detail = document.get("detail")
    return {"message": detail if isinstance(detail, str) else json.dumps(detail).decode()} if detail else None


def _failure(provider: Provider, status: int, found: dict[str, Any], headers: Mapping[str, str]) -> Failure:
    code, param = (found[name] if isinstance(found.get(name), str) else None for name in ("code", "param"))
    wait = retry_after(headers)
    error = GatewayError(
        status,
        _without_key(provider, str(found.get("message")))[:_MESSAGE_LENGTH],
        code=code and code[:_CODE_LENGTH],
        param=param and param[:_CODE_LENGTH],
        retry_after=None if wait is None else str(math.ceil(wait)),
    )
    return Failure(error, _remedy(status, code, headers), counts=status >= _SERVER_ERROR, wait_seconds=wait)


def _remedy(status: int, code: str | None, headers: Mapping[str, str]) -> Remedy:
    should_retry = headers.get("x-should-retry", "").lower()  # OpenAI's servers send it
    if status in _TRANSIENT or status >= _SERVER_ERROR:
        return Remedy.NEXT if should_retry == "false" or code in _USED_UP else Remedy.RETRY
    if should_retry == "true":
        return Remedy.RETRY
    return Remedy.NONE if status in _REQUEST_ERRORS else Remedy.NEXT


def retry_after(headers: Mapping[str, str]) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    return seconds if seconds is not None or text is None else _seconds_until(text)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # `-0000`: the zone is unknown
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _without_key(provider: Provider, message: str) -> str:
    """Hide the API key, which some providers repeat in their error."""
    key = provider.api_key.get_secret_value() if provider.api_key else ""
    return message.replace(key, "…") if key else message


async def _read_body(reply: OutboundReply) -> bytes:
    """The first bytes of an error, which may be endless or never arrive."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while len(body) < _BODY_BYTES and (part := await reply.read()):
                body += part
    except (OutboundError, TimeoutError) as error:
        log.info("an error of a provider broke off: %s", error)
    return bytes(body)
