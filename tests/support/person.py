"""A person who uses BaseChat over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from basechat.kit import json

TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True)
class Reply:
    """A completely read answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem document."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        code: str = self.json["code"]
        assert self.json["status"] == self.status
        assert self.json["request_id"] == self.headers["x-request-id"]
        return code


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    id: str
    event: str
    data: Any


@dataclass(slots=True)
class Person:
    """A client of main-backend, signed in or not."""

    http: aiohttp.ClientSession
    token: str | None = None
    user: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    base: str = "http://localhost"

    async def ask(self, method: str, path: str, **options: Any) -> Reply:
        """Send a request and read the answer."""
        options["headers"] = self._headers(options.get("headers"))
        async with self.http.request(method, f"{self.base}{path}", **options) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, headers, await response.read())

    async def get(self, path: str, **options: Any) -> Reply:
        """GET."""
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        """POST a JSON body."""
        return await self.ask("POST", path, json=body, **options)

    async def chat(self, **fields: Any) -> str:
        """Begin a chat and return its id."""
        reply = await self.post("/sessions", fields)
        assert reply.status == 201, reply.body
        chat_id: str = reply.json["id"]
        return chat_id

    async def send(self, chat_id: str, content: str, **fields: Any) -> list[Event]:
        """Send a message and return all events of its answer."""
        async with self.stream("POST", f"/sessions/{chat_id}/messages", {"content": content, **fields}) as events:
            return [event async for event in events]

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Open an event stream."""
        wanted = self._headers({"accept": "text/event-stream"} | {k.replace("_", "-"): v for k, v in headers.items()})
        async with self.http.request(method, f"{self.base}{path}", json=body, headers=wanted) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            yield read_events(response)

    async def messages(self, chat_id: str) -> list[dict[str, Any]]:
        """The newest page of a chat."""
        items: list[dict[str, Any]] = (await self.get(f"/sessions/{chat_id}/messages")).json["items"]
        return items

    def _headers(self, more: dict[str, str] | None) -> dict[str, str]:
        signed = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return {**signed, **self.headers, **(more or {})}


async def read_events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """Yield the events of a stream as they arrive, without comments."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


def text_of(events: list[Event]) -> str:
    """The text that a viewer has after these events. Checks that no delta is missing."""
    text = ""
    for event in events:
        if event.event == "message.delta":
            assert event.data["at"] == len(text)
            text += event.data["text"]
        elif event.event == "message.reset":
            text = event.data["text"]
    return text
