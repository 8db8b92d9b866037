"""Estimates of the size of a call before it is made."""

from collections.abc import Mapping
from typing import Any

from basechat.kit import json
from basechat.kit.tokens import MESSAGE_TOKENS, estimate

IMAGE_TOKENS = 1_000  # of one image at the size that providers scale it to


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Estimated tokens of the messages and tools of a chat completion."""
    tools = body.get("tools")
    return (estimate(json.dumps(tools).decode()) if tools else 0) + sum(map(_message_tokens, body["messages"]))


def completion_tokens(body: Mapping[str, Any]) -> int | None:
    """The largest number of tokens that the answer may have, or None if the request sets no bound."""
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
