"""Recorded requests, for assertions."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Outcome = Literal["open", "finished", "cut", "client_closed"]


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """One request, and the end of its answer."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    outcome: Outcome = "open"
    tokens_sent: int = 0
    ended_at: int = 0  # CLOCK_MONOTONIC in ns
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; raises `ValueError` for anything else."""
        document = orjson.loads(self.body)
        if not isinstance(document, dict):
            raise ValueError("the body is not a JSON object")
        return document

    @property
    def model(self) -> str:
        """The requested model."""
        return str(self.document.get("model", ""))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of the prompt."""
        messages: list[dict[str, Any]] = self.document["messages"]
        return messages

    @property
    def tools(self) -> list[str]:
        """Names of the offered tools."""
        return [tool["function"]["name"] for tool in self.document.get("tools") or ()]

    @property
    def closed_early(self) -> bool:
        """Whether the client disconnected before the answer's end."""
        return self.outcome == "client_closed"

    def end(self, outcome: Outcome) -> None:
        """Record the end of the answer; the first record counts."""
        if self.outcome == "open":
            self.outcome = outcome
            self.ended_at = time.monotonic_ns()
            self.ended.set()

    def summary(self) -> dict[str, Any]:
        """This request in `GET /_requests`."""
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "body": self.body.decode(errors="replace"),
            "outcome": self.outcome,
            "tokens_sent": self.tokens_sent,
            "ended_at": self.ended_at,
        }


def prompt_of(document: dict[str, Any]) -> str:
    """The text of the last user message; content parts that are text are joined."""
    for message in reversed(document["messages"]):
        if message["role"] == "user":
            content = message["content"]
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content)
    return ""


def prompt_tokens(document: dict[str, Any]) -> int:
    """The number of words of all messages, in place of prompt tokens."""
    return sum(len(str(message.get("content") or "").split()) for message in document["messages"])
