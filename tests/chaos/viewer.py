"""A program that sends messages and watches every answer to its end, through all faults."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

import aiohttp

from basechat.protocol import LAST_EVENTS
from tests.support.person import Person, Reply, read_events

PAUSE = 0.25
_TRANSIENT_ERRORS = (aiohttp.ClientError, TimeoutError, ConnectionError)
Ask = Callable[[], Awaitable[Reply]]


@dataclass(slots=True, kw_only=True)
class Chatter:
    """Sends messages. Their plots take turns, and its decisions on approvals are always the same."""

    person: Person
    model: str
    plots: tuple[str, ...]
    tools: tuple[str, ...]
    decision: Literal["once", "chat"]


@dataclass(slots=True, kw_only=True)
class Watched:
    """One accepted message, and the answer as its viewer saw it."""

    chat: str
    content: str
    run: str
    answer: str
    text: str = ""
    ends: list[str] = field(default_factory=list)
    connections: int = 0


async def insist(ask: Ask) -> Reply:
    """Repeat a request until it gets an answer below status 500."""
    while True:
        try:
            reply = await ask()
        except _TRANSIENT_ERRORS:
            await asyncio.sleep(PAUSE)
            continue
        if reply.status < 500:
            return reply
        await asyncio.sleep(PAUSE)


async def converse(chatter: Chatter, seen: list[Watched], stop: asyncio.Event) -> None:
    """Send one message after another in one chat until `stop` is set."""
    person = chatter.person
    chat = (await insist(lambda: person.post("/sessions", {}))).json["id"]
    number = 0
    while not stop.is_set():
        content = f"{chatter.plots[number % len(chatter.plots)]} {uuid4().hex[:12]}"
        watched = await _send(chatter, chat, content)
        seen.append(watched)
        await watch(chatter, watched)
        number += 1


async def _send(chatter: Chatter, chat: str, content: str) -> Watched:
    body = {"content": content, "model": chatter.model, "tools": list(chatter.tools)}
    key = {"idempotency-key": uuid4().hex}
    reply = await insist(lambda: chatter.person.post(f"/sessions/{chat}/messages", body, headers=key))
    if reply.status != 202:
        raise AssertionError(f"a message was refused: {reply.status} {reply.body!r}")
    run = reply.json["run"]
    return Watched(chat=chat, content=content, run=run["id"], answer=run["message_id"])


async def watch(chatter: Chatter, watched: Watched) -> None:
    """Watch a run to its end, and reconnect with `Last-Event-ID` as often as needed."""
    person = chatter.person
    last_id: str | None = None
    while not watched.ends:
        headers = {"authorization": f"Bearer {person.token}"} | ({"last-event-id": last_id} if last_id else {})
        watched.connections += 1
        try:
            async with person.http.get(f"{person.base}/runs/{watched.run}/events", headers=headers) as response:
                if response.status == 200:
                    async for event in read_events(response):
                        last_id = event.id
                        if event.event == "tool.approval":
                            await _decide(chatter, watched, event.data["call_id"])
                        else:
                            _apply(watched, event.event, event.data)
        except _TRANSIENT_ERRORS:
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


async def _decide(chatter: Chatter, watched: Watched, call_id: str) -> None:
    """Allow a call. After a reconnect the same approval may arrive again."""
    body = {"call_id": call_id, "decision": chatter.decision}
    reply = await insist(lambda: chatter.person.post(f"/runs/{watched.run}/approvals", body))
    if reply.status not in {202, 409}:
        raise AssertionError(f"run {watched.run}: an approval was refused: {reply.status} {reply.body!r}")
