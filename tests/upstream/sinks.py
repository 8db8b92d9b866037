"""Outputs of an answer: events of a stream, or one body."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from tests.upstream import wire

ARGUMENTS_PIECE = 7  # characters, more where that would be more pieces than
ARGUMENTS_PIECES = 200


class Channel(Protocol):
    """The output of an answer."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    async def flushed(self) -> None: ...


class Sink(Protocol):
    """Methods for the steps of a script."""

    async def token(self, text: str, piece: int | None) -> None: ...

    async def call(self, index: int, call: dict[str, Any]) -> None: ...


class Events:
    """Writes each token as one event. The first event carries the role."""

    def __init__(self, channel: Channel, completion: wire.Completion) -> None:
        self._channel = channel
        self._completion = completion
        self._opening = completion.chunk({"role": "assistant", "content": ""})
        self._before, self._after = completion.token_parts()

    def opening(self) -> bytes:
        """The event with the role once, then nothing."""
        opening, self._opening = self._opening, b""
        return opening

    async def token(self, text: str, piece: int | None) -> None:
        event = self.opening() + self._before + orjson.dumps(text) + self._after
        for at in range(0, len(event), piece or len(event)):
            await self._write(event[at : at + piece] if piece else event)

    async def call(self, index: int, call: dict[str, Any]) -> None:
        """Write id and name, then the arguments in pieces, as OpenAI does."""
        for part in _parts(call):
            await self._write(self.opening() + self._completion.chunk({"tool_calls": [{"index": index, **part}]}))

    async def _write(self, data: bytes) -> None:
        self._channel.write(wire.frame(data))
        await self._channel.flushed()


@dataclass(slots=True)
class Body:
    """Collects an answer that is sent as one body."""

    texts: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)

    async def token(self, text: str, piece: int | None) -> None:
        self.texts.append(text)

    async def call(self, index: int, call: dict[str, Any]) -> None:
        self.calls.append(call)


def _parts(call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    arguments = call["function"]["arguments"]
    yield call | {"function": {"name": call["function"]["name"], "arguments": ""}}
    piece = max(ARGUMENTS_PIECE, len(arguments) // ARGUMENTS_PIECES)
    for at in range(0, len(arguments), piece):
        yield {"function": {"arguments": arguments[at : at + piece]}}
