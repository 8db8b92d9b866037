"""A person who sends messages and watches every answer to its end, through whatever breaks meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

from basechat.protocol import LAST_EVENTS
from tests.support.person import Person, Reply, read_events

PAUSE = 0.1
_WEATHER = (aiohttp.ClientError, TimeoutError, ConnectionError)
Ask = Callable[[], Awaitable[Reply]]


@dataclass(slots=True)
class Watched:
    """One accepted message, and what its viewer saw of the answer."""

    chat: str
    content: str
    run: str
    answer: str
    text: str = ""
    ends: list[str] = field(default_factory=list)
    connections: int = 0


async def insist(ask: Ask) -> Reply:
    """Ask until there is an answer that is not bad weather."""
    while True:
        try:
            reply = await ask()
        except _WEATHER:
            await asyncio.sleep(PAUSE)
            continue
        if reply.status < 500:
            return reply
        await asyncio.sleep(PAUSE)


async def converse(person: Person, model: str, seen: list[Watched], stop: asyncio.Event) -> None:
    """Send one message after another in a chat of its own until it is time to stop."""
    chat = (await insist(lambda: person.post("/sessions", {}))).json["id"]
    number = 0
    while not stop.is_set():
        number += 1
        body = {"content": f"message {number}", "model": model}
        key = {"idempotency-key": uuid4().hex}
        reply = await insist(lambda: person.post(f"/sessions/{chat}/messages", body, headers=key))  # noqa: B023
        if reply.status != 202:
            raise AssertionError(f"a message was refused: {reply.status} {reply.body!r}")
        run = reply.json["run"]
        watched = Watched(chat=chat, content=body["content"], run=run["id"], answer=run["message_id"])
        seen.append(watched)
        await watch(person, watched)


async def watch(person: Person, watched: Watched) -> None:
    """Watch a run to its end, coming back with `Last-Event-ID` as often as it takes."""
    last_id: str | None = None
    while not watched.ends:
        headers = {"authorization": f"Bearer {person.token}"} | ({"last-event-id": last_id} if last_id else {})
        watched.connections += 1
        try:
            async with person.http.get(f"{person.base}/runs/{watched.run}/events", headers=headers) as response:
                if response.status == 200:
                    async for event in read_events(response):
                        _apply(watched, event.event, event.data)
                        last_id = event.id
        except _WEATHER:
            pass
        if not watched.ends:
            await asyncio.sleep(PAUSE)


def _apply(watched: Watched, event: str, data: Any) -> None:
    if event == "message.reset":
        watched.text = data["text"]
    elif event == "message.delta":
        if data["at"] != len(watched.text):
            raise AssertionError(f"run {watched.run}: text at {data['at']} came after {len(watched.text)} characters")
        watched.text += data["text"]
    elif event in LAST_EVENTS:
        watched.ends.append(event)
