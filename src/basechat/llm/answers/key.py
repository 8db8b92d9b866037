"""What an answer is found by: everything in a request that may change it, and nothing that may not."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from basechat.infra.cache.keys import Parts
from basechat.kit import json
from basechat.llm.providers.provider import Provider

Scope = Literal["user", "global", "off"]

# How the answer is delivered, for whom, and what the provider keeps of it. Everything else, known here or not, is part
# of the key: a field that was left out has served wrong answers elsewhere.
_IRRELEVANT = frozenset({
    "stream", "stream_options", "user", "safety_identifier", "metadata", "store", "prompt_cache_key",
    "prompt_cache_retention", "request_id",
})  # fmt: skip
_SHARED_ROLES = frozenset({"system", "developer", "user"})


def answer_parts(body: Mapping[str, Any], *, provider: Provider, model: str, owner_id: UUID, scope: Scope) -> Parts:
    """Return what the answer of a provider's model to a request is found by.

    A field that is null counts as left out, and a number is the same with and without its decimal point.
    """
    said = {
        name: value if name == "messages" else _plain(value)
        for name, value in body.items()
        if value is not None and name not in _IRRELEVANT
    }
    shared = scope == "global" and is_shareable(body)
    return {
        "owner": None if shared else owner_id,
        "provider": provider.name,
        "address": provider.base_url,
        "request": said | {"model": model},
    }


def conversation(body: Mapping[str, Any], owner_id: UUID) -> bytes:
    """Return what stays the same while a conversation goes on: whose it is, and its first question."""
    first = next((each for each in body["messages"] if each.get("role") == "user"), body["messages"][0])
    return owner_id.bytes + json.dumps(first)


def is_shareable(body: Mapping[str, Any]) -> bool:
    """Return whether a request carries no private context: one question in plain text, nothing said or done before."""
    messages = body["messages"]
    roles = [message.get("role") for message in messages]
    plain = all(isinstance(message.get("content"), str) for message in messages)
    return plain and roles.count("user") == 1 and _SHARED_ROLES.issuperset(roles) and not body.get("tools")


def _plain(value: Any) -> Any:
    """Return a value with one form for each number."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value
