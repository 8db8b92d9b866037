"""A call of a tool as a run keeps it: what is to be called, whether it may be, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from basechat.chat.runs.answer import Question
from basechat.kit import json

PREVIEW_LENGTH = 500
CUT = "…"
SHOWN_LENGTH = 8_000  # characters of a call's arguments, as JSON, that viewers are told and the answer keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """What the model wants to call. `step` is the turn in which it said so, `text_at` the text's length then.

    `approval_key` is None where nobody has to be asked, else what "always in this chat" is remembered under.
    `is_repeatable`: a call of which it is not known whether it was made may be made again.
    """

    call_id: str
    name: str
    title: str
    server: str
    arguments: dict[str, Any]
    step: int
    text_at: int
    input_schema: dict[str, Any]
    approval_key: str | None
    is_repeatable: bool


def shown(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments as people are shown them: very long ones as the beginning of their JSON."""
    written = json.dumps(arguments).decode()
    return arguments if len(written) <= SHOWN_LENGTH else {CUT: written[:SHOWN_LENGTH]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of a call: `text` is for the model."""

    ok: bool
    text: str
    cached: bool = False

    @property
    def preview(self) -> str:
        """The beginning of the text, for people."""
        return self.text if len(self.text) <= PREVIEW_LENGTH else self.text[: PREVIEW_LENGTH - 1] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What is to be done with a call.

    `make`: call with these arguments, which a person may have changed. `wait`: until `expires_at`, for somebody to
    approve it. `answered`: it has its result already, perhaps that it was denied.
    """

    verdict: Literal["make", "wait", "answered"]
    arguments: dict[str, Any]
    result: ToolResult | None = None
    expires_at: datetime | None = None


class Ledger(Protocol):
    """Keeps the calls of runs; both raise `LostRunError` where the run is not this attempt's any more."""

    async def begin(self, question: Question, call: ToolCall) -> Permit:
        """Write a call down before it is made."""

    async def end(self, question: Question, call_id: str, result: ToolResult) -> None:
        """Write down what came of it."""
