"""Whatever process dies, an accepted message is answered, and its viewers end with the stored text."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.e2e.site import Site
from tests.support.person import Event, Person, text_of
from tests.support.waiting import until
from tests.upstream import Say, Stall, Upstream, Wait

pytestmark = pytest.mark.stack

CUT_OFF = (Say(("never ", "joined ")), Stall())
PACED = tuple(step for n in range(150) for step in (Say((f"{n} ",)), Wait(0.02)))
PACED_TEXT = "".join(f"{n} " for n in range(150))


async def _read_until(text: str, events: AsyncIterator[Event]) -> list[Event]:
    """Read until the viewer has this text."""
    seen: list[Event] = []
    async for event in events:
        seen.append(event)
        if text_of(seen) == text:
            break
    return seen


async def _read_on(seen: list[Event], events: AsyncIterator[Event]) -> None:
    """Read to the end."""
    async for event in events:
        seen.append(event)  # noqa: PERF401 - what was heard before a break has to be kept


async def _stored(person: Person, chat: str) -> dict[str, Any]:
    return (await person.messages(chat))[-1]


async def _resume(site: Site, person: Person, run_id: str, last_event_id: str) -> list[Event]:
    """Reconnect like a browser until a server answers."""
    await until(site.serves)
    async with person.stream("GET", f"/runs/{run_id}/events", last_event_id=last_event_id) as events:
        return [event async for event in events]


async def test_a_killed_worker_loses_its_run_to_the_next(site: Site, person: Person, upstream: Upstream) -> None:
    upstream.next_answers(CUT_OFF, (Say(("one ", "answer")),))
    chat = await person.chat()
    async with person.stream("POST", f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"}) as events:
        seen = await _read_until("never joined ", events)
        is_back = site.kill("worker")
        await _read_on(seen, events)

    stored = await _stored(person, chat)
    assert seen[-1].event == "message.completed"
    assert text_of(seen) == stored["content"] == "one answer"
    assert stored["run"]["attempt"] == 2
    await until(is_back)


async def test_a_killed_backend_is_asked_again_behind_the_last_event(
    site: Site, person: Person, upstream: Upstream
) -> None:
    upstream.next_answers(PACED)
    chat = await person.chat()
    async with person.stream("POST", f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"}) as events:
        seen = await _read_until("0 1 2 ", events)
        site.kill("main-backend")
        with pytest.raises(aiohttp.ClientPayloadError):
            await _read_on(seen, events)

    rest = await _resume(site, person, seen[0].data["run"]["id"], seen[-1].id)
    stored = await _stored(person, chat)
    assert text_of([*seen, *rest]) == stored["content"] == PACED_TEXT
    assert not {event.id for event in seen} & {event.id for event in rest}
    assert "message.delta" in {event.event for event in rest}
    assert stored["run"]["attempt"] == 1


async def test_an_answer_survives_both_valkeys(site: Site, person: Person, upstream: Upstream) -> None:
    upstream.next_answers(PACED)
    chat = await person.chat()
    async with person.stream("POST", f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"}) as events:
        seen = await _read_until("0 1 2 ", events)
        are_back = site.kill("redis", "redis-state")
        await _read_on(seen, events)

    assert seen[-1].event == "message.completed"
    assert seen[-1].data["message"]["content"] == (await _stored(person, chat))["content"] == PACED_TEXT
    await until(are_back)
    again = await _resume(site, person, seen[0].data["run"]["id"], seen[0].id)
    assert text_of(again) == PACED_TEXT


async def test_chats_are_answered_after_both_valkeys_were_killed(
    site: Site, person: Person, upstream: Upstream
) -> None:
    chat = await person.chat()
    assert text_of(await person.send(chat, "before", model="echo")) == "before"
    await until(site.kill("redis", "redis-state"))
    assert text_of(await person.send(chat, "after", model="echo")) == "after"
    assert (await person.get("/auth/me")).json["id"] == person.user["id"]
