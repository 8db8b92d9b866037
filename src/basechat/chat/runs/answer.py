"""What a run asks of whoever answers it, and what it gets: the seam between conversations and the assistant."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from basechat.protocol import RunEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A branch that ends with the message to be answered."""

    run_id: UUID
    owner_id: UUID
    attempt: int
    messages: list[dict[str, str]]
    instructions: str
    model: str | None
    temperature: float | None
    max_tokens: int | None
    use_cache: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of an answer beside its text."""

    model: str | None
    tokens_used: int | None
    tools_used: list[str] = field(default_factory=list)
    meta_info: dict[str, Any] = field(default_factory=dict)


class Audience(Protocol):
    """Hears the answer while it is being made."""

    def write(self, text: str) -> None:
        """Add text to the answer."""

    def start_over(self) -> None:
        """Take back all text of the answer; what is written next is its beginning."""

    def say(self, event: RunEvent) -> None:
        """Tell something that is not text."""


class Answerer(Protocol):
    """Makes answers; raises `AnswerError` where there is none."""

    def __call__(self, question: Question, audience: Audience) -> Coroutine[Any, Any, Answer]:
        """Answer a question, the text going to the audience."""


class AnswerError(Exception):
    """There is no answer; `detail` tells a person why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
