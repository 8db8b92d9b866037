"""A completion in one document: whether it may be stored, and its forms as one body and as a stream."""

import time
from collections.abc import Mapping
from typing import Any

from basechat.kit import json
from basechat.kit.ids import new_id

Document = Mapping[str, Any]

DONE = b"data: [DONE]\n\n"
# After `length` (cut) and `content_filter` (removed), a new call may return more.
_GOOD_FINISH_REASONS = frozenset({"stop", "tool_calls", "function_call"})


def is_complete(document: Document) -> bool:
    """Whether each choice ended by itself and contains text or calls. Only such an answer is stored."""
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or document.get("error"):
        return False
    return all(isinstance(choice, dict) and _is_complete_choice(choice) for choice in choices)


def to_stored(document: Document) -> dict[str, Any]:
    """The document without its id, which each replay creates."""
    return {name: value for name, value in document.items() if name not in ("id", "object")}


def from_stored(document: Document) -> dict[str, Any]:
    return {"id": f"chatcmpl-{new_id().hex}", "object": "chat.completion", **document}


def as_stream(document: Document, *, with_usage: bool) -> bytes:
    """The events of a stream: the message and the finish reason of each choice, and the usage if requested."""
    head = {name: value for name, value in document.items() if name not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    head.setdefault("id", f"chatcmpl-{new_id().hex}")
    head.setdefault("created", int(time.time()))
    events = []
    for choice in document["choices"]:
        rest = {name: value for name, value in choice.items() if name not in ("message", "finish_reason")}
        events.append(head | {"choices": [rest | {"delta": _delta(choice["message"]), "finish_reason": None}]})
        end = {"index": choice.get("index", 0), "delta": {}, "finish_reason": choice.get("finish_reason")}
        events.append(head | {"choices": [end]})
    if with_usage and "usage" in document:
        events.append(head | {"choices": [], "usage": document["usage"]})
    return b"".join(b"data: %b\n\n" % json.dumps(event) for event in events) + DONE


def _is_complete_choice(choice: Document) -> bool:
    message = choice.get("message")
    reason = choice.get("finish_reason")
    if not isinstance(message, dict) or not isinstance(reason, str) or reason not in _GOOD_FINISH_REASONS:
        return False
    if message.get("refusal"):
        return False
    content = message.get("content")
    has_text = bool(content.strip()) if isinstance(content, str) else bool(content)
    return has_text or bool(message.get("tool_calls") or message.get("function_call"))


def _delta(message: Document) -> dict[str, Any]:
    calls = message.get("tool_calls")
    if not calls:
        return dict(message)
    return {**message, "tool_calls": [{"index": number, **call} for number, call in enumerate(calls)]}
