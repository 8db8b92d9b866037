"""Bodies of requests, and the request for a completion. Unknown fields go to the provider unchanged."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from basechat.kit import json
from basechat.llm.callers import PendingAuth
from basechat.llm.errors import GatewayError
from basechat.llm.providers.route import Route

_MODEL_LENGTH = 200
_DEPTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """A request for a completion, with its routes and its cache key.

    `cache-control: no-cache` requests a new answer, which is stored; `no-store` one that is not.
    """

    auth: PendingAuth
    body: Mapping[str, Any]
    routes: Sequence[Route]
    key: str
    reads_cache: bool
    writes_cache: bool
    began: float = field(default_factory=time.perf_counter)

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def with_usage(self) -> bool:
        """Whether the stream ends with the usage."""
        return bool((self.body.get("stream_options") or {}).get("include_usage"))


def parse_object(raw: bytes) -> dict[str, Any]:
    """The body of any call: a JSON object that may name a model; raises `GatewayError`."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise GatewayError(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(body, dict):
        raise GatewayError(400, "The body must be a JSON object.")
    _check_depth(raw, body)
    model = body.get("model")
    if not isinstance(model, str | None) or len(model or "") > _MODEL_LENGTH:
        raise GatewayError(400, f"`model` must be a string of at most {_MODEL_LENGTH} characters.", param="model")
    return body


def parse_chat(raw: bytes) -> dict[str, Any]:
    """The body of a chat completion; raises `GatewayError`."""
    body = parse_object(raw)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise GatewayError(400, "`messages` must be a list of at least one message.", param="messages")
    if not isinstance(body.get("stream", False), bool | None):
        raise GatewayError(400, "`stream` must be true or false.", param="stream")
    if not isinstance(body.get("stream_options", {}), dict | None):
        raise GatewayError(400, "`stream_options` must be an object.", param="stream_options")
    return body


def _check_depth(raw: bytes, body: dict[str, Any]) -> None:
    """Refuse a body that is parsed, but nested too deeply to be serialized again inside other objects."""
    if raw.count(b"[") + raw.count(b"{") <= _DEPTH:
        return
    try:
        json.dumps([[[[body]]]])
    except TypeError:
        raise GatewayError(400, "The body is nested too deeply.") from None
