"""A lane is one client with its own connection, through BaseChat or straight to the upstream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

import orjson

from bench.client import Api, BenchError, Connection, Exchange, request


@dataclass(frozen=True, slots=True)
class Stream:
    """One answer as the client saw it; times are CLOCK_MONOTONIC in ns."""

    sent_at: int
    ended_at: int
    deltas: Sequence[tuple[int, str]]

    @property
    def text(self) -> str:
        """The deltas put together."""
        return "".join(text for _, text in self.deltas)

    @property
    def first_token_ms(self) -> float:
        """Time from sending the request to the first text."""
        return (self.deltas[0][0] - self.sent_at) / 1e6


class Lane(Protocol):
    """A place to send a message and to receive its answer."""

    async def renew(self) -> None: ...

    async def ask(self, model: str) -> Exchange: ...

    async def read(self, exchange: Exchange) -> Stream: ...

    def close(self) -> None: ...


def new_prompt() -> str:
    """A new message that no cache can answer."""
    return f"Message {uuid4()}: please tell me in a few words what you know about this number."


def completion(model: str, prompt: str, headers: Mapping[str, str], *, stream: bool = True) -> bytes:
    """The bytes of a call of OpenAI's chat completions."""
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream}
    return request("POST", "/v1/chat/completions", body, headers)


def read_completion(exchange: Exchange) -> Stream:
    """The stream of a completion; raises `BenchError` for anything else."""
    _expect_ok(exchange)
    deltas: list[tuple[int, str]] = []
    for at, _, data in exchange.events():
        choices = [] if data == b"[DONE]" else orjson.loads(data)["choices"]
        if choices and (text := choices[0]["delta"].get("content")):
            deltas.append((at, text))
    return _stream(exchange, deltas)


@dataclass(slots=True)
class CompletionLane:
    """Calls a server of OpenAI's API: the upstream itself, or a gateway in front of it."""

    connection: Connection
    headers: Mapping[str, str] = field(default_factory=dict)

    async def renew(self) -> None:
        """Nothing to renew: messages are independent."""

    async def ask(self, model: str) -> Exchange:
        return await self.connection.exchange(completion(model, new_prompt(), self.headers))

    async def read(self, exchange: Exchange) -> Stream:
        return read_completion(exchange)

    def close(self) -> None:
        self.connection.close()


@dataclass(slots=True)
class ChatLane:
    """Calls BaseChat through nginx, in its own chat."""

    connection: Connection
    api: Api
    session_id: str = ""

    async def renew(self) -> None:
        """Begin a new chat."""
        self.session_id = (await self.api.call("POST", "/api/sessions", {}))["id"]

    async def ask(self, model: str) -> Exchange:
        headers = self.api.headers | {"Accept": "text/event-stream"}
        path = f"/api/sessions/{self.session_id}/messages"
        body = {"content": new_prompt(), "model": model}
        return await self.connection.exchange(request("POST", path, body, headers))

    async def read(self, exchange: Exchange) -> Stream:
        """The stream, after its text was compared with the stored message."""
        _expect_ok(exchange)
        deltas: list[tuple[int, str]] = []
        last = ""
        for at, last, data in exchange.events():
            if last == "message.reset":
                deltas = [(at, orjson.loads(data)["text"])]
            elif last == "message.delta":
                deltas.append((at, orjson.loads(data)["text"]))
        if last != "message.completed":
            raise BenchError(f"a stream ended with {last or 'nothing'!r}: {exchange.body[-300:]!r}")
        stream = _stream(exchange, deltas)
        stored = (await self.api.call("GET", f"/api/sessions/{self.session_id}/messages?limit=2"))["items"][-1]
        if (stored["role"], stored["content"]) != ("assistant", stream.text):
            raise BenchError(_difference(stored["role"], stored["content"], stream.text))
        return stream

    def close(self) -> None:
        self.connection.close()


def _expect_ok(exchange: Exchange) -> None:
    if exchange.status != 200:
        raise BenchError(f"a stream was answered {exchange.status}: {exchange.body[:300]!r}")


def _difference(role: str, stored: str, streamed: str) -> str:
    pairs = enumerate(zip(stored, streamed, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(stored), len(streamed)))
    return f"after {same} characters, stored ({role}): {stored[same:][:40]!r}, streamed: {streamed[same:][:40]!r}"


def _stream(exchange: Exchange, deltas: list[tuple[int, str]]) -> Stream:
    if not deltas:
        raise BenchError("a stream had no text")
    return Stream(exchange.sent_at, exchange.ended_at, deltas)
