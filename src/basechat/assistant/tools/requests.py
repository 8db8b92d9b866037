"""What the model asks for: calls of tools, put together from the pieces of a stream."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

from basechat.chat.runs.answer import AnswerError
from basechat.chat.runs.tools.validate import ARGUMENTS_BYTES, ARGUMENTS_DEPTH, is_deep
from basechat.kit import json
from basechat.kit.ids import new_id
from basechat.kit.text import storable

CALLS_AT_ONCE = 32
CALLS_WITHOUT_END = 10_000
NAME_LENGTH = 200
ENDLESS = 50_000_000  # characters


class ToolRequest(TypedDict):
    """A call that the model asks for, as it is kept in the workflow's state.

    `arguments` is None where they can't be used, and `problem` says why.
    """

    call_id: str
    name: str
    arguments: dict[str, Any] | None
    problem: str | None


@dataclass(slots=True)
class Draft:
    """A call while its pieces come."""

    given_id: str
    name: str = ""
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, name: Any, arguments: Any) -> None:
        """Add a piece; what goes beyond the bound is counted and dropped."""
        if isinstance(name, str):
            self.name = (self.name + name[:NAME_LENGTH])[:NAME_LENGTH]
        if isinstance(arguments, dict):  # as some providers send them
            arguments = json.dumps(arguments).decode()
        if isinstance(arguments, str):
            self.size += len(arguments)
            if self.size > ENDLESS:
                raise AnswerError("provider.too_long", "The model calls a tool with arguments without end.")
            if self.size <= ARGUMENTS_BYTES:
                self.parts.append(arguments)

    def finish(self) -> ToolRequest:
        """Return the call under an id of ours: a provider's may come twice, or not at all."""
        arguments, problem = self._read()
        name = storable(self.name)[:NAME_LENGTH]
        return ToolRequest(call_id=f"call_{new_id().hex}", name=name, arguments=arguments, problem=problem)

    def _read(self) -> tuple[dict[str, Any] | None, str | None]:
        if self.size > ARGUMENTS_BYTES:
            return None, f"The arguments are too long: more than {ARGUMENTS_BYTES:,} characters."
        try:
            read = json.loads("".join(self.parts).strip() or "{}")
        except ValueError:
            return None, "The arguments are not valid JSON."
        if not isinstance(read, dict):
            return None, "The arguments must be a JSON object."
        if is_deep(read):
            return None, f"The arguments are nested deeper than {ARGUMENTS_DEPTH} levels."
        return _stored_form(read), None


class Drafts:
    """The calls of one completion. Those beyond the bound are one more that can't be made, so that the model hears."""

    def __init__(self) -> None:
        self._drafts: list[Draft] = []
        self._by_index: dict[Any, Draft] = {}
        self._count = 0

    def add(self, delta: dict[str, Any]) -> None:
        """Add an element of `delta.tool_calls`. Some providers number all calls alike and tell them apart by id."""
        index, given_id = delta.get("index"), str(delta.get("id") or "")
        draft = self._by_index.get(index) if index is not None else None
        if draft is None or (given_id and draft.given_id and given_id != draft.given_id):
            draft = self._by_index[index] = self._begin(given_id)
        function = delta.get("function") or {}
        draft.add(function.get("name"), function.get("arguments"))

    def finish(self) -> list[ToolRequest]:
        """Return the calls in their order."""
        requests = [draft.finish() for draft in self._drafts]
        if left_out := self._count - len(self._drafts):
            problem = f"At most {CALLS_AT_ONCE} calls are made at once; {left_out} were left out."
            name = requests[-1]["name"]
            requests.append(ToolRequest(call_id=f"call_{new_id().hex}", name=name, arguments=None, problem=problem))
        return requests

    def _begin(self, given_id: str) -> Draft:
        self._count += 1
        if self._count > CALLS_WITHOUT_END:
            raise AnswerError("provider.too_long", "The model calls tools without end in one answer.")
        draft = Draft(given_id)
        if len(self._drafts) < CALLS_AT_ONCE:
            self._drafts.append(draft)
        return draft


def _stored_form(value: Any) -> Any:
    """Return a JSON value whose texts PostgreSQL can store."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _stored_form(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_stored_form(each) for each in value]
    return value
