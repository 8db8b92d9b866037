"""Putting a completion together from the chunks of its stream, whatever fields a provider has in them."""

from collections.abc import Mapping
from typing import Any

# Strings that name something are said once, or repeated; all others come in pieces.
_NAMES = frozenset({"id", "type", "role", "name", "object", "index", "finish_reason", "model", "format"})
_OF_CHUNKS = frozenset({"choices", "object", "usage"})


class _Text(list[str]):
    """A string that is still coming."""


class Draft:
    """A completion of which the chunks are being read; what it comes to is a document as an unstreamed one."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self.usage: dict[str, Any] | None = None
        self.error: Any = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Read one chunk; what is no chunk at all is kept as an error."""
        if "error" in chunk:
            self.error = chunk["error"]
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = usage
        choices = chunk.get("choices")
        if choices and not self._head:  # what comes before the first choice is about the prompt
            self._head = {name: value for name, value in chunk.items() if name not in _OF_CHUNKS}
        if not isinstance(choices, list):
            self.error = self.error or "a chunk without choices"
            return
        for choice in choices:
            if isinstance(choice, dict) and isinstance(index := choice.get("index", 0), int):
                self._add_choice(index, choice)
            else:
                self.error = self.error or "a choice that is none"

    @property
    def has_finished(self) -> bool:
        """Whether every choice has said why it ended."""
        return bool(self._choices) and all(choice.get("finish_reason") for choice in self._choices.values())

    def document(self) -> dict[str, Any]:
        """Return the completion as far as it is known."""
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
                self.error = self.error or "a message that is none"
            elif name != "index" and value is not None:
                _merge(known, {name: value})


def _merge(known: dict[str, Any], said: Mapping[str, Any]) -> None:
    """Add what a delta says: texts and lists go on, numbered parts go to their number, anything else is replaced."""
    for name, value in said.items():
        before = known.get(name)
        if value is None:
            known.setdefault(name, None)
        elif isinstance(value, str) and name not in _NAMES:
            known[name] = before if isinstance(before, _Text) else _Text()
            known[name].append(value)
        elif isinstance(value, dict):
            known[name] = before if isinstance(before, dict) else {}
            _merge(known[name], value)
        elif isinstance(value, list):
            known[name] = before if isinstance(before, list) else []
            _merge_list(known[name], value)
        elif value != "" or not before:  # a name that comes empty in later chunks
            known[name] = value


def _merge_list(known: list[Any], said: list[Any]) -> None:
    for part in said:
        number = part.get("index") if isinstance(part, dict) else None
        if not isinstance(number, int):
            known.append(part)
            continue
        same = next((each for each in known if isinstance(each, dict) and each.get("index") == number), None)
        if same is None:
            known.append(same := {})
        _merge(same, part)


def _joined(value: Any) -> Any:
    """Return a value with its texts in one piece. The number of a call of a tool is of the stream alone."""
    if isinstance(value, _Text):
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
