"""Tool calls of the model, accumulated from the pieces of a stream."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

from basechat.chat.runs.answer import AnswerError
from basechat.chat.runs.tools.validate import ARGUMENTS_BYTES, ARGUMENTS_DEPTH, is_deep
from basechat.kit import json
from basechat.kit.ids import new_id
from basechat.kit.text import storable

CALLS_LIMIT = 32
STREAMED_CALLS_LIMIT = 10_000
STREAMED_CHARACTERS_LIMIT = 50_000_000
NAME_LENGTH = 200


class ToolRequest(TypedDict):
    """A call in the state of the workflow. If its arguments are unusable they are None, and `problem` says why."""

    call_id: str
    name: str
    arguments: dict[str, Any] | None
    problem: str | None


@dataclass(slots=True)
class PartialToolCall:
    """A call whose pieces are arriving."""

    given_id: str
    name: str = ""
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, name: Any, arguments: Any) -> None:
        """Add a piece. Arguments beyond the limit are counted and dropped."""
        if isinstance(name, str):
            self.name = (self.name + name[:NAME_LENGTH])[:NAME_LENGTH]
        if isinstance(arguments, dict):  # some providers send an object
            arguments = json.dumps(arguments).decode()
        if isinstance(arguments, str):
            self.size += len(arguments)
            if self.size > STREAMED_CHARACTERS_LIMIT:
                raise AnswerError("provider.too_long", "The model streams endless arguments of a tool call.")
            if self.size <= ARGUMENTS_BYTES:
                self.parts.append(arguments)

    def finish(self) -> ToolRequest:
        """The complete call, under a new id: a provider may send an id twice, or none."""
        arguments, problem = self._parse()
        name = storable(self.name)[:NAME_LENGTH]
        return ToolRequest(call_id=f"call_{new_id().hex}", name=name, arguments=arguments, problem=problem)

    def _parse(self) -> tuple[dict[str, Any] | None, str | None]:
        if self.size > ARGUMENTS_BYTES:
            return None, f"The arguments are too long: more than {ARGUMENTS_BYTES:,} characters."
        try:
            parsed = json.loads("".join(self.parts).strip() or "{}")
        except ValueError:
            return None, "The arguments are not valid JSON."
        if not isinstance(parsed, dict):
            return None, "The arguments must be a JSON object."
        if is_deep(parsed):
            return None, f"The arguments are nested deeper than {ARGUMENTS_DEPTH} levels."
        return _storable(parsed), None


class ToolCallAccumulator:
    """The calls of one completion. One more call stands for all calls beyond the limit, and tells the model so."""

    def __init__(self) -> None:
        self._calls: list[PartialToolCall] = []
        self._by_index: dict[Any, PartialToolCall] = {}
        self._count = 0

    def add(self, delta: dict[str, Any]) -> None:
        """Add an element of `delta.tool_calls`. Some providers give all calls the same index but different ids."""
        index, given_id = delta.get("index"), str(delta.get("id") or "")
        call = self._by_index.get(index) if index is not None else None
        if call is None or (given_id and call.given_id and given_id != call.given_id):
            call = self._by_index[index] = self._begin(given_id)
        function = delta.get("function") or {}
        call.add(function.get("name"), function.get("arguments"))

    def finish(self) -> list[ToolRequest]:
        """The complete calls, in order."""
        requests = [call.finish() for call in self._calls]
        if left_out := self._count - len(self._calls):
            problem = f"At most {CALLS_LIMIT} calls are executed at once; {left_out} were left out."
            name = requests[-1]["name"]
            requests.append(ToolRequest(call_id=f"call_{new_id().hex}", name=name, arguments=None, problem=problem))
        return requests

    def _begin(self, given_id: str) -> PartialToolCall:
        self._count += 1
        if self._count > STREAMED_CALLS_LIMIT:
            raise AnswerError("provider.too_long", "The model streams endless tool calls.")
        call = PartialToolCall(given_id)
        if len(self._calls) < CALLS_LIMIT:
            self._calls.append(call)
        return call


def _storable(value: Any) -> Any:
    """A JSON value whose texts PostgreSQL can store."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value
