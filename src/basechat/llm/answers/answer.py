"""A completion in one document: whether it is worth keeping, and how it is told, whole or as a stream."""

import time
from collections.abc import Mapping
from typing import Any

from basechat.kit import json
from basechat.kit.ids import new_id

Document = Mapping[str, Any]

DONE = b"data: [DONE]\n\n"
# `length` was cut off, `content_filter` was taken away; whoever asks again may get more.
_GOOD_ENDS = frozenset({"stop", "tool_calls", "function_call"})


def is_good(document: Document) -> bool:
    """Return whether an answer is complete, came to its own end, and says or does something in each choice."""
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or document.get("error"):
        return False
    return all(isinstance(choice, dict) and _is_good_choice(choice) for choice in choices)


def kept(document: Document) -> dict[str, Any]:
    """Return what is kept of an answer: all but the number that its provider gave it."""
    return {name: value for name, value in document.items() if name not in ("id", "object")}


def told(document: Document) -> dict[str, Any]:
    """Return a kept answer as a completion of its own."""
    return {"id": f"chatcmpl-{new_id().hex}", "object": "chat.completion", **document}


def as_body(document: Document) -> bytes:
    """Return a completion in one body."""
    return json.dumps(document)


def as_stream(document: Document, *, with_usage: bool) -> bytes:
    """Return a completion as the events of a stream: what each choice says, why it ended, and the usage if asked."""
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


def _is_good_choice(choice: Document) -> bool:
    message = choice.get("message")
    end = choice.get("finish_reason")
    if not isinstance(message, dict) or not isinstance(end, str) or end not in _GOOD_ENDS or message.get("refusal"):
        return False
    content = message.get("content")
    says = bool(content.strip()) if isinstance(content, str) else bool(content)
    return says or bool(message.get("tool_calls") or message.get("function_call"))


def _delta(message: Document) -> dict[str, Any]:
    calls = message.get("tool_calls")
    if not calls:
        return dict(message)
    return {**message, "tool_calls": [{"index": number, **call} for number, call in enumerate(calls)]}
