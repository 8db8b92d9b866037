"""Bodies of requests: their checks, the cache key of a completion, and estimates of its tokens."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from basechat.infra.cache.layers import Parts
from basechat.kit import json
from basechat.kit.tokens import MESSAGE_TOKENS, estimate
from basechat.llm.callers import PendingAuth
from basechat.llm.errors import GatewayError
from basechat.llm.providers.catalogue import Route
from basechat.llm.providers.provider import Provider

_MODEL_LENGTH = 200
_DEPTH = 200

Scope = Literal["user", "global", "off"]

# These fields change only the delivery of the answer and what the provider stores. All other fields, known here or not,
# are part of the key: caches that left one out have served wrong answers.
_IRRELEVANT = frozenset({
    "stream", "stream_options", "user", "safety_identifier", "metadata", "store", "prompt_cache_key",
    "prompt_cache_retention", "request_id",
})  # fmt: skip
_SHARED_ROLES = frozenset({"system", "developer", "user"})


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
        return bool((self.body.get("stream_options") or {}).get("include_usage"))


def parse_object(raw: bytes) -> dict[str, Any]:
    """The body of any call: a JSON object that may name a model; raises `GatewayError`.

    Unknown fields go to the provider unchanged.
    """
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


def answer_parts(body: Mapping[str, Any], *, provider: Provider, model: str, owner_id: UUID, scope: Scope) -> Parts:
    """The parts of the cache key of a request.

    A field that is null counts as absent. A number is the same with and without its decimal point.
    """
    request = {
        name: value if name == "messages" else _normalized(value)
        for name, value in body.items()
        if value is not None and name not in _IRRELEVANT
    }
    shared = scope == "global" and _is_shareable(body)
    return {
        "owner": None if shared else owner_id,
        "provider": provider.name,
        "address": provider.base_url,
        "request": request | {"model": model},
    }


def conversation(body: Mapping[str, Any], owner_id: UUID) -> bytes:
    # What stays the same during a conversation: its owner and its first message.
    first = next((each for each in body["messages"] if each.get("role") == "user"), body["messages"][0])
    return owner_id.bytes + json.dumps(first)


def _check_depth(raw: bytes, body: dict[str, Any]) -> None:
    """Refuse a body that is parsed, but nested too deeply to be serialized again inside other objects."""
    if raw.count(b"[") + raw.count(b"{") <= _DEPTH:
        return
    try:
        json.dumps([[[[body]]]])
    except TypeError:
        raise GatewayError(400, "The body is nested too deeply.") from None


def _is_shareable(body: Mapping[str, Any]) -> bool:
    """Whether a request has no private context: one user message in plain text, no answers and no tools."""
    messages = body["messages"]
    roles = [message.get("role") for message in messages]
    is_plain = all(isinstance(message.get("content"), str) for message in messages)
    return is_plain and roles.count("user") == 1 and _SHARED_ROLES.issuperset(roles) and not body.get("tools")


def _normalized(value: Any) -> Any:
    """The value with one form for each number."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: _normalized(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_normalized(part) for part in value]
    return value


IMAGE_TOKENS = 1_000  # of one image at the size that providers scale it to


def prompt_tokens(body: Mapping[str, Any]) -> int:
    tools = body.get("tools")
    return (estimate(json.dumps(tools).decode()) if tools else 0) + sum(map(_message_tokens, body["messages"]))


def completion_tokens(body: Mapping[str, Any]) -> int | None:
    # The largest number of tokens that the answer may have, or None if the request sets no bound.
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    choices = body.get("n") or 1
    if not isinstance(limit, int) or not isinstance(choices, int):
        return None
    return max(limit, 0) * max(choices, 1)


def input_tokens(text: Any) -> int:
    """Estimated tokens of the input of an embedding: a text, or a list of texts, each as text or as tokens."""
    if isinstance(text, str):
        return estimate(text)
    return sum(1 if isinstance(each, int) else len(each) if isinstance(each, list) else estimate(each) for each in text)


def _message_tokens(message: Mapping[str, Any]) -> int:
    content, calls = message.get("content"), message.get("tool_calls")
    parts = content if isinstance(content, list) else [content]
    return MESSAGE_TOKENS + sum(map(_part_tokens, parts)) + (estimate(json.dumps(calls).decode()) if calls else 0)


def _part_tokens(part: Any) -> int:
    if isinstance(part, str):
        return estimate(part)
    if not isinstance(part, dict):
        return 0
    text = part.get("text")
    return estimate(text) if isinstance(text, str) else IMAGE_TOKENS
