"""About how large a call will be, before it is made."""

from collections.abc import Mapping
from typing import Any

from basechat.kit import json
from basechat.kit.tokens import MESSAGE_TOKENS, estimate

IMAGE_TOKENS = 1_000
"""What one image is about, at the size that providers scale it to."""


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Return about how many tokens the messages and tools of a chat completion are."""
    tools = body.get("tools")
    told = estimate(json.dumps(tools).decode()) if tools else 0
    return told + sum(_message(message) for message in body["messages"])


def completion_tokens(body: Mapping[str, Any]) -> int | None:
    """Return how many tokens the answer may have at most, or None where the request does not say."""
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    count = body.get("n") or 1
    if not isinstance(most, int) or not isinstance(count, int):
        return None
    return max(most, 0) * max(count, 1)


def input_tokens(said: Any) -> int:
    """Return about how many tokens a text to be embedded is, or a list of texts, each as text or as tokens."""
    if isinstance(said, str):
        return estimate(said)
    return sum(1 if isinstance(each, int) else len(each) if isinstance(each, list) else estimate(each) for each in said)


def _message(message: Mapping[str, Any]) -> int:
    content, calls = message.get("content"), message.get("tool_calls")
    parts = content if isinstance(content, list) else [content]
    said = sum(_part(part) for part in parts)
    return MESSAGE_TOKENS + said + (estimate(json.dumps(calls).decode()) if calls else 0)


def _part(part: Any) -> int:
    if isinstance(part, str):
        return estimate(part)
    if not isinstance(part, dict):
        return 0
    text = part.get("text")
    return estimate(text) if isinstance(text, str) else IMAGE_TOKENS
