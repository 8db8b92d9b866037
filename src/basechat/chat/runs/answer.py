"""The contract between runs and the assistant: what an answerer gets, returns and raises."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict
from uuid import UUID

from basechat.protocol import RunEvent

RUN_SECONDS = 3600  # the longest attempt


class Turn(TypedDict):
    """One message of a branch. `context` holds the token counts of the prompt of an answer."""

    id: str
    role: str
    content: str
    context: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A branch that ends with the message to answer. `summary` covers the part before `messages`.

    `tools` names the tools that are on; None means the default of new chats. An earlier attempt
    (`attempt` above 1) may have left a checkpoint.
    """

    run_id: UUID
    owner_id: UUID
    attempt: int
    messages: list[Turn]
    summary: str | None
    instructions: str
    tools: list[str] | None
    model: str | None
    temperature: float | None
    max_tokens: int | None
    use_cache: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Facts about an answer, beside its text and its tool calls."""

    model: str | None
    tokens_used: int | None
    meta_info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paused:
    """There is no answer yet: tool calls wait for approval."""


class EventSink(Protocol):
    """Receives the text and the events of an answer."""

    def write(self, text: str) -> None: ...

    def reset(self, text: str = "") -> None:
        """Replace all text so far."""

    def emit(self, event: RunEvent) -> None: ...


class Answerer(Protocol):
    """Makes answers. Raises `AnswerError`, or `LostRunError` if a later attempt owns the run."""

    def __call__(self, request: RunRequest, events: EventSink, /) -> Coroutine[Any, Any, Answer | Paused]:
        """Make the answer, or pause."""


class AnswerError(Exception):
    """There is no answer; `detail` explains it to a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class LostRunError(Exception):
    """A later attempt owns the run, or the run has ended."""
