"""The cache key of an answer: everything in a request that may change the answer, and nothing else."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from basechat.infra.cache.keys import Parts
from basechat.kit import json
from basechat.llm.providers.provider import Provider

Scope = Literal["user", "global", "off"]

# These fields change how the answer is delivered, for whom, and what the provider stores. All other fields, known here
# or not, are part of the key: caches that left one out have served wrong answers.
_IRRELEVANT = frozenset({
    "stream", "stream_options", "user", "safety_identifier", "metadata", "store", "prompt_cache_key",
    "prompt_cache_retention", "request_id",
})  # fmt: skip
_SHARED_ROLES = frozenset({"system", "developer", "user"})


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
    """What stays the same during a conversation: its owner and its first message."""
    first = next((each for each in body["messages"] if each.get("role") == "user"), body["messages"][0])
    return owner_id.bytes + json.dumps(first)


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
