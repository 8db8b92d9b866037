"""What a run asks of whoever answers it, and what it gets: the seam between conversations and the assistant."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict
from uuid import UUID

from basechat.protocol import RunEvent

RUN_SECONDS = 3600
"""How long an attempt may take."""


class Turn(TypedDict):
    """One message of a branch; `context` is what was counted of the prompt when an answer was made."""

    id: str
    role: str
    content: str
    context: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A branch that ends with the message to be answered; `summary` tells in brief what came before `messages`.

    `tools` names what is on, None being what new chats have. A question that was asked before (`attempt` above 1)
    may have left a checkpoint from which its answer goes on.
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
    """What is known of an answer beside its text and its calls of tools."""

    model: str | None
    tokens_used: int | None
    meta_info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paused:
    """There is no answer yet: calls of tools wait to be approved."""


class Audience(Protocol):
    """Hears the answer while it is being made."""

    @property
    def length(self) -> int:
        """Code points of the answer so far."""

    def write(self, text: str) -> None:
        """Add text to the answer."""

    def start_over(self, text: str = "") -> None:
        """Take back all text of the answer but this, to which is added what is written next."""

    def say(self, event: RunEvent) -> None:
        """Tell something that is not text."""


class Answerer(Protocol):
    """Makes answers; raises `AnswerError` where there is none, `LostRunError` where the run is another's."""

    def __call__(self, question: Question, audience: Audience) -> Coroutine[Any, Any, Answer | Paused]:
        """Answer a question, the text going to the audience."""


class AnswerError(Exception):
    """There is no answer; `detail` tells a person why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class LostRunError(Exception):
    """The run is in other hands, or has ended."""
