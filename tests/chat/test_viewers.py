"""Any number of viewers, on any replica of main-backend, at any time, see exactly the stored text."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from basechat.services import backend
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack, visitor
from tests.support.person import Event, Person, text_of
from tests.support.stack import Servers, Stack, serving
from tests.support.waiting import until
from tests.upstream import Say, Upstream, Wait

PACED = tuple(step for n in range(100) for step in (Say((f"{n} ",)), Wait(0.01)))
TEXT = "".join(f"{n} " for n in range(100))
REPLICAS, VIEWERS = 3, 24


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack of this module's own."""
    state = stack.resources.settings.state_redis_url.replace("db=0", "db=2")
    async with quiet_stack(servers, stack.upstream, redis_state_url=state) as running:
        yield running
        await running.resources.state.flushdb()


@pytest.fixture
async def replicas(quiet: Quiet, servers: Servers) -> AsyncIterator[list[Person]]:
    """The same person at several main-backends."""
    async with AsyncExitStack() as stack:
        people = []
        for _ in range(REPLICAS):
            socket = f"{servers.folder}/replica-{uuid4().hex[:8]}.sock"
            await stack.enter_async_context(serving(backend.create_app(quiet.settings), socket))
            somebody = await stack.enter_async_context(visitor(socket))
            people.append(Person(somebody.http, quiet.person.token))
        yield people


async def _send(person: Person) -> tuple[str, str]:
    chat = await person.chat()
    reply = await person.post(f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"})
    assert reply.status == 202, reply.body
    return chat, reply.json["run"]["id"]


async def _watch_from(length: int, first: list[Event], person: Person, run: str, *, leaves_after: int) -> list[Event]:
    """Watch after the first viewer has seen `length` characters. A viewer that leaves reconnects."""

    async def is_time() -> bool:
        return len(text_of(first)) >= length

    await until(is_time)
    seen: list[Event] = []
    headers: dict[str, str] = {}
    if leaves_after:
        async with person.stream("GET", f"/runs/{run}/events") as events:
            while len(seen) < leaves_after:
                seen.append(await anext(events))
        headers = {"last_event_id": seen[-1].id}
    async with person.stream("GET", f"/runs/{run}/events", **headers) as events:
        return seen + [event async for event in events]


async def test_viewers_of_all_replicas_see_the_same_events(
    quiet: Quiet, replicas: list[Person], upstream: Upstream
) -> None:
    upstream.script("echo", *PACED)
    async with quiet.worker(), asyncio.timeout(30):
        chat, run = await _send(quiet.person)
        first: list[Event] = []
        # The last viewers come when the run has ended.
        starts = [n * len(TEXT) // (VIEWERS - 2) for n in range(VIEWERS - 1)]
        views = [
            _watch_from(min(start, len(TEXT)), first, replicas[n % REPLICAS], run, leaves_after=n % 5)
            for n, start in enumerate(starts)
        ]
        watching = asyncio.gather(*views)
        async with quiet.person.stream("GET", f"/runs/{run}/events") as events:
            async for event in events:
                first.append(event)  # noqa: PERF401 - other viewers read the list meanwhile
        seen = [first, *await watching]
    assert {text_of(events) for events in seen} == {TEXT}
    # After silence a viewer gets the end from PostgreSQL, under the id of the last entry before it.
    ids = [list(dict.fromkeys(event.id for event in events)) for events in seen]
    whole = max(ids, key=len)
    assert all(each == whole[: len(each)] for each in ids)
    assert (await quiet.person.messages(chat))[-1]["content"] == TEXT


async def test_an_approval_that_the_log_lost_is_shown_again(quiet: Quiet, upstream: Upstream) -> None:
    """As after a crash of the worker between the pause of the run and its event."""
    _, run = await _send(quiet.person)
    async with quiet.person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(20):
        assert (await anext(events)).event == "run.started"
        for statement in (
            """INSERT INTO tool_calls (id, run_id, owner_id, call_id, name, title, arguments, input_schema, status,
                                       expires_at)
               SELECT gen_random_uuid(), id, owner_id, 'c1', 'remember', 'Remember', '{"content": "tea"}', '{}',
                      'proposed', now() + interval '1 hour' FROM runs WHERE id::text = :run""",
            "UPDATE runs SET status = 'waiting' WHERE id::text = :run",
        ):
            await as_owner(quiet.settings, statement, run=run)
        asked = await anext(events)
        assert (asked.event, asked.data["call_id"]) == ("tool.approval", "c1")
        assert asked.data["arguments"] == {"content": "tea"}
        assert (await quiet.person.post(f"/runs/{run}/cancel")).status == 202
        assert [event.event async for event in events] == ["run.cancelled"]
