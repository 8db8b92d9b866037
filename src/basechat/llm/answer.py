"""A completion as one document: whether it may be stored, its form as a stream, and its assembly from chunks."""

import time
from collections.abc import Mapping
from typing import Any

from basechat.kit import json
from basechat.kit.ids import new_id

Document = Mapping[str, Any]

DONE = b"data: [DONE]\n\n"
# After `length` (cut) and `content_filter` (removed), a new call may return more.
_GOOD_FINISH_REASONS = frozenset({"stop", "tool_calls", "function_call"})

# These strings are complete in one chunk, or repeated. All other strings arrive in pieces.
_COMPLETE_STRINGS = frozenset({"id", "type", "role", "name", "object", "index", "finish_reason", "model", "format"})
_CHUNK_FIELDS = frozenset({"choices", "object", "usage"})


def is_complete(document: Document) -> bool:
    # Whether each choice ended by itself and contains text or calls. Only such an answer is stored.
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or document.get("error"):
        return False
    return all(isinstance(choice, dict) and _is_complete_choice(choice) for choice in choices)


def to_stored(document: Document) -> dict[str, Any]:
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


class _Pieces(list[str]):
    """A string of which more pieces may follow."""


class CompletionAccumulator:
    """The chunks read so far. `document` has the form of a completion that was not streamed."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self.usage: dict[str, Any] | None = None
        self.error: Any = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        if "error" in chunk:
            self.error = chunk["error"]
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = usage
        choices = chunk.get("choices")
        if choices and not self._head:  # chunks before the first choice concern the prompt
            self._head = {name: value for name, value in chunk.items() if name not in _CHUNK_FIELDS}
        if not isinstance(choices, list):
            self.error = self.error or "a chunk without choices"
            return
        for choice in choices:
            if isinstance(choice, dict) and isinstance(index := choice.get("index", 0), int):
                self._add_choice(index, choice)
            else:
                self.error = self.error or "an invalid choice"

    def document(self) -> dict[str, Any]:
        choices = [_joined(self._choices[index]) for index in sorted(self._choices)]
        document = {**self._head, "object": "chat.completion", "choices": choices}
        return document if self.usage is None else document | {"usage": self.usage}

    def _add_choice(self, index: int, choice: dict[str, Any]) -> None:
        known = self._choices.get(index)
        if known is None:
            known = self._choices[index] = {"index": index, "message": {"role": "assistant"}, "finish_reason": None}
        for name, value in choice.items():
            if name == "delta":
                if isinstance(value, dict):
                    _merge(known["message"], value)
            elif name == "message" and not isinstance(value, dict):
                self.error = self.error or "an invalid message"
            elif name != "index" and value is not None:
                _merge(known, {name: value})


def _merge(known: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Merge a delta: strings and lists are extended, numbered parts by their index, other values are replaced."""
    for name, value in delta.items():
        before = known.get(name)
        if value is None:
            known.setdefault(name, None)
        elif isinstance(value, str) and name not in _COMPLETE_STRINGS:
            known[name] = before if isinstance(before, _Pieces) else _Pieces()
            known[name].append(value)
        elif isinstance(value, dict):
            known[name] = before if isinstance(before, dict) else {}
            _merge(known[name], value)
        elif isinstance(value, list):
            known[name] = before if isinstance(before, list) else []
            _merge_list(known[name], value)
        elif value != "" or not before:  # some providers send empty names in later chunks
            known[name] = value


def _merge_list(known: list[Any], delta: list[Any]) -> None:
    for part in delta:
        number = part.get("index") if isinstance(part, dict) else None
        if not isinstance(number, int):
            known.append(part)
            continue
        same = next((each for each in known if isinstance(each, dict) and each.get("index") == number), None)
        if same is None:
            known.append(same := {})
        _merge(same, part)


def _joined(value: Any) -> Any:
    """The value with its strings joined. Only a stream numbers tool calls, so `index` is removed."""
    if isinstance(value, _Pieces):
        return "".join(value)
    if isinstance(value, dict):
        joined = {name: _joined(part) for name, part in value.items()}
        calls = joined.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                call.pop("index", None)
        return joined
    if isinstance(value, list):
        return [_joined(part) for part in value]
    return value
