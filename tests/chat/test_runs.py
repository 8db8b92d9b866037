"""Runs are watched, cancelled, refused, queued and repeated."""

import asyncio
from uuid import uuid4

import pytest

from tests.support.person import Event, Person, text_of
from tests.upstream import Say, Upstream, Wait

SLOW = tuple(step for n in range(200) for step in (Say((f"{n} ",)), Wait(0.02)))
SLOW_TEXT = "".join(f"{n} " for n in range(200))
SHORT = (Say(("one ",)), Wait(0.3), Say(("two",)))


async def _start(person: Person, content: str = "hi", **fields: object) -> tuple[str, dict[str, str]]:
    chat = await person.chat()
    reply = await person.post(f"/sessions/{chat}/messages", {"content": content, "model": "echo", **fields})
    assert reply.status == 202, reply.body
    assert reply.headers["location"] == f"/api/runs/{reply.json['run']['id']}"
    return chat, reply.json["run"]


async def _watch(person: Person, run_id: str, **headers: str) -> list[Event]:
    async with person.stream("GET", f"/runs/{run_id}/events", **headers) as events:
        return [event async for event in events]


async def _until_text(person: Person, run_id: str) -> None:
    """Wait until the model has begun to answer."""
    async with person.stream("GET", f"/runs/{run_id}/events") as events:
        async for event in events:
            if event.event == "message.delta":
                return


async def test_a_run_continues_without_a_viewer(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SHORT)
    chat, run = await _start(person)
    events = await _watch(person, run["id"])
    assert events[0].event == "run.started"
    assert text_of(events) == "one two" == (await person.messages(chat))[-1]["content"]


async def test_closing_the_connection_does_not_stop_the_run(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SHORT)
    chat = await person.chat()
    async with person.stream("POST", f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"}) as events:
        started = await anext(events)
    events_again = await _watch(person, started.data["run"]["id"])
    assert text_of(events_again) == "one two"
    assert not upstream.completions[-1].closed_early


async def test_reconnecting_misses_nothing_and_repeats_nothing(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SHORT)
    _, run = await _start(person)
    seen: list[Event] = []
    async with person.stream("GET", f"/runs/{run['id']}/events") as events:
        async for event in events:
            seen.append(event)
            if event.event == "message.delta":
                break
    rest = await _watch(person, run["id"], last_event_id=seen[-1].id)
    assert text_of([*seen, *rest]) == "one two"
    ids = [event.id for event in (*seen, *rest)]
    assert len(ids) == len(set(ids))


async def test_many_viewers_see_the_same_events(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SHORT)
    _, run = await _start(person)
    views = await asyncio.gather(*(_watch(person, run["id"]) for _ in range(10)))
    assert [text_of(events) for events in views] == ["one two"] * 10


async def test_ended_run_is_replayed(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    live = await person.send(chat, "hello there", model="echo")
    replayed = await _watch(person, live[0].data["run"]["id"])
    assert [(event.id, event.data) for event in replayed] == [(event.id, event.data) for event in live]


async def test_cancel_stops_the_model_and_keeps_the_text(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SLOW)
    chat, run = await _start(person)
    async with person.stream("GET", f"/runs/{run['id']}/events") as events:
        seen = [await anext(events)]
        while seen[-1].event != "message.delta":
            seen.append(await anext(events))
        reply = await person.post(f"/runs/{run['id']}/cancel")
        assert reply.status == 202
        seen += [event async for event in events]
    assert seen[-1].event == "run.cancelled"
    answer = (await person.messages(chat))[-1]
    assert answer["run"]["status"] == "cancelled"
    assert text_of(seen) == answer["content"]
    assert SLOW_TEXT.startswith(answer["content"])
    assert len(answer["content"]) < len(SLOW_TEXT)
    async with asyncio.timeout(5):
        await upstream.completions[-1].ended.wait()
    assert upstream.completions[-1].closed_early


async def test_cancelling_an_ended_run_changes_nothing(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    events = await person.send(chat, "hi", model="echo")
    run_id = events[0].data["run"]["id"]
    reply = await person.post(f"/runs/{run_id}/cancel")
    assert (reply.status, reply.json["status"]) == (202, "completed")


async def test_second_message_is_refused_while_the_first_is_answered(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SLOW)
    chat, run = await _start(person)
    reply = await person.post(f"/sessions/{chat}/messages", {"content": "again"})
    assert (reply.status, reply.code) == (409, "run.active")
    assert len(await person.messages(chat)) == 2
    await person.post(f"/runs/{run['id']}/cancel")


async def test_of_two_messages_at_the_same_moment_one_is_refused(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SHORT)
    for _ in range(5):
        chat = await person.chat()
        body = {"content": "hi", "model": "echo"}
        replies = await asyncio.gather(*(person.post(f"/sessions/{chat}/messages", body) for _ in range(8)))
        assert sorted(reply.status for reply in replies) == [202] + [409] * 7


async def test_a_message_may_arrive_while_an_answer_ends(
    person: Person, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """The two statements don't deadlock. PostgreSQL would end a deadlock after a second, with an error."""
    chat = await person.chat()
    statuses: set[int] = set()
    for _ in range(25):
        body = {"content": "hi", "model": "echo"}
        replies = await asyncio.gather(*(person.post(f"/sessions/{chat}/messages", body) for _ in range(12)))
        statuses |= {reply.status for reply in replies}
    assert statuses == {202, 409}
    assert "can't be ended yet" not in caplog.text


@pytest.mark.parametrize("end", ["completed", "cancelled", "failed"])
async def test_a_queued_message_follows_its_predecessor_however_it_ends(
    person: Person, upstream: Upstream, end: str
) -> None:
    first = {"completed": SHORT, "cancelled": SLOW, "failed": (Wait(0.3), Say(()))}[end]
    upstream.next_answers(first, (Say(("followed",)),))
    chat, run = await _start(person)
    reply = await person.post(f"/sessions/{chat}/messages", {"content": "then", "when_busy": "queue"})
    assert (reply.status, reply.json["run"]["status"]) == (202, "queued")
    if end == "cancelled":
        await _until_text(person, run["id"])
        await person.post(f"/runs/{run['id']}/cancel")
    events = await _watch(person, reply.json["run"]["id"])
    assert text_of(events) == "followed"
    assert (await person.get(f"/runs/{run['id']}")).json["status"] == end


async def test_cancelling_a_queued_run_ends_it_at_once(person: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SLOW)
    chat, run = await _start(person)
    queued = [
        (await person.post(f"/sessions/{chat}/messages", {"content": str(n), "when_busy": "queue"})).json["run"]["id"]
        for n in range(2)
    ]
    reply = await person.post(f"/runs/{queued[0]}/cancel")
    assert reply.json["status"] == "cancelled"
    assert (await _watch(person, queued[0]))[-1].event == "run.cancelled"
    upstream.script("echo", Say(("last",)))
    await person.post(f"/runs/{run['id']}/cancel")
    assert text_of(await _watch(person, queued[1])) == "last"


async def test_idempotency_key_gives_the_same_run(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    key, body = {"idempotency-key": uuid4().hex}, {"content": "once", "model": "echo"}
    replies = await asyncio.gather(*(person.post(f"/sessions/{chat}/messages", body, headers=key) for _ in range(8)))
    assert {reply.status for reply in replies} == {202}
    assert len({reply.json["run"]["id"] for reply in replies}) == 1
    assert len(await person.messages(chat)) == 2
    other = await person.post(f"/sessions/{chat}/messages", body | {"content": "other"}, headers=key)
    assert (other.status, other.code) == (422, "idempotency.mismatch")


async def test_idempotent_retry_watches_the_first_run(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    path, body = f"/sessions/{chat}/messages", {"content": "once more", "model": "echo"}
    for _ in range(2):
        async with person.stream("POST", path, body, idempotency_key="k-1") as events:
            assert text_of([event async for event in events]) == "once more"
    assert len(upstream.completions) == 1


async def test_a_message_after_an_earlier_answer_opens_a_branch(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    await person.send(chat, "one", model="echo")
    first_answer = (await person.messages(chat))[-1]["id"]
    await person.send(chat, "two", model="echo")
    await person.send(chat, "another two", model="echo", parent_id=first_answer)
    messages = await person.messages(chat)
    assert [message["content"] for message in messages] == ["one", "one", "another two", "another two"]
    assert [len(message["siblings"]) for message in messages] == [1, 1, 2, 1]


async def test_a_run_of_another_owner_is_not_found(person: Person, other: Person, upstream: Upstream) -> None:
    chat, run = await _start(person)
    for method, path in [
        ("GET", f"/runs/{run['id']}"),
        ("GET", f"/runs/{run['id']}/events"),
        ("POST", f"/runs/{run['id']}/cancel"),
    ]:
        reply = await other.ask(method, path)
        assert (reply.status, reply.code) == (404, "run.not_found")
    reply = await other.post(f"/sessions/{chat}/messages", {"content": "hi"})
    assert (reply.status, reply.code) == (404, "session.not_found")


@pytest.mark.parametrize("event_id", ["9-1", "abc", "1", "-1-2", "1-2-3", "1" * 30 + "-1"])
async def test_an_unknown_event_id_is_refused(person: Person, upstream: Upstream, event_id: str) -> None:
    chat = await person.chat()
    run_id = (await person.send(chat, "hi", model="echo"))[0].data["run"]["id"]
    reply = await person.get(f"/runs/{run_id}/events", headers={"last-event-id": event_id})
    assert (reply.status, reply.code) == (422, "event.not_found")
