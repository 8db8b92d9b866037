"""After any crash or loss: an accepted message ends once, and its viewers have the stored text."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from basechat.chat.runs import worker as worker_module
from basechat.chat.runs.lease import Lease, claim, keep_texts
from basechat.chat.runs.reap import Reaper
from basechat.infra.redis.signals import RUNS, announce_cancel
from basechat.services import backend
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack, visitor
from tests.support.person import Event, Person, text_of
from tests.support.stack import Servers, Stack, serving
from tests.support.waiting import until
from tests.upstream import Say, Stall, Upstream, Wait

HALF = (Say(("half ", "an ")), Stall())
WHOLE = (Say(("the ", "whole ", "answer")),)
PACED = tuple(step for n in range(40) for step in (Say((f"{n} ",)), Wait(0.02)))
PACED_TEXT = "".join(f"{n} " for n in range(40))


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack whose workers this module starts; redis-state has a database of its own."""
    state = stack.resources.settings.state_redis_url.replace("db=0", "db=1")
    async with quiet_stack(servers, stack.upstream, redis_state_url=state) as running:
        yield running
        await running.resources.state.flushdb()


async def _send(person: Person) -> tuple[str, str]:
    chat = await person.chat()
    reply = await person.post(f"/sessions/{chat}/messages", {"content": "hi", "model": "echo"})
    assert reply.status == 202, reply.body
    return chat, reply.json["run"]["id"]


async def _until_text(events: AsyncIterator[Event], text: str = "") -> list[Event]:
    """Watch until the text begins with `text`."""
    seen: list[Event] = []
    while not text_of(seen).startswith(text or text_of(seen)[:1] or "-"):
        seen.append(await anext(events))
    return seen


async def _lose_lease(quiet: Quiet, run: str, **columns: int) -> None:
    """Let the lease of a run expire, and run the reaper."""
    changes = "".join(f", {name} = {value}" for name, value in columns.items())
    lose = f"UPDATE runs SET lease_until = now() - interval '1 second'{changes} WHERE id::text = :run"  # noqa: S608
    await as_owner(quiet.settings, lose, run=run)


async def _stored(person: Person, chat: str) -> tuple[str, str, int]:
    answer = (await person.messages(chat))[-1]
    return answer["content"], answer["run"]["status"], answer["run"]["attempt"]


async def test_a_run_whose_worker_died_is_taken_over(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(HALF, WHOLE)
    person = quiet.person
    async with quiet.worker():
        chat, run = await _send(person)
        async with person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(10):
            seen = await _until_text(events, "half")
            await _lose_lease(quiet, run)
            seen += [event async for event in events]
        assert text_of(seen) == "the whole answer"
        assert await _stored(person, chat) == ("the whole answer", "completed", 2)
        kinds = [event.event for event in seen]
        assert kinds.count("message.reset") >= 1
        assert kinds[-1] == "message.completed"
        async with asyncio.timeout(5):
            await upstream.completions[0].ended.wait()
    assert [record.closed_early for record in upstream.completions] == [True, False]


async def test_a_worker_that_stops_hands_its_runs_over(
    quiet: Quiet, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "HAND_OVER_AFTER_SECONDS", 0.05)
    upstream.next_answers(HALF, WHOLE)
    person = quiet.person
    async with asyncio.timeout(10):
        async with quiet.worker():
            chat, run = await _send(person)
            async with person.stream("GET", f"/runs/{run}/events") as events:
                seen = await _until_text(events, "half")
        assert (await person.get(f"/runs/{run}")).json["status"] == "queued"
        assert (await _stored(person, chat))[0].startswith("half")  # the text so far is kept
        async with quiet.worker(), person.stream("GET", f"/runs/{run}/events", last_event_id=seen[-1].id) as events:
            seen += [event async for event in events]
    assert text_of(seen) == "the whole answer"
    assert await _stored(person, chat) == ("the whole answer", "completed", 2)


async def test_after_five_attempts_a_run_fails_with_its_text(
    quiet: Quiet, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "HAND_OVER_AFTER_SECONDS", 0.05)
    upstream.next_answers(HALF)
    person = quiet.person
    async with quiet.worker() as resources:
        chat, run = await _send(person)
        async with person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(10):
            await _until_text(events, "half an")
            await keep_texts(resources.database, {Lease(run, 1): "half an "})  # type: ignore[arg-type]
            await _lose_lease(quiet, run, takeovers=4)
            ending = [event async for event in events]
    assert (ending[-1].event, ending[-1].data["code"]) == ("run.failed", "run.exhausted")
    assert text_of(ending) == "half an "
    assert await _stored(person, chat) == ("half an ", "failed", 1)
    assert len(upstream.completions) == 1


async def test_a_second_takeover_waits_longer(quiet: Quiet, upstream: Upstream) -> None:
    _, run = await _send(quiet.person)
    resources = quiet.resources
    dead = """UPDATE runs SET status = 'running', attempt = 3, takeovers = 2, worker = 'gone', lease_until = now()
              WHERE id::text = :run"""
    await as_owner(quiet.settings, dead, run=run)
    await Reaper(resources.database, resources.state, every_seconds=60).repair()
    waits = "SELECT status, extract(epoch FROM lease_until - now()) FROM runs WHERE id::text = :run"
    [(status, seconds)] = await as_owner(quiet.settings, waits, run=run)
    assert (status, 3 < seconds <= 4) == ("queued", True)
    assert await claim(resources.database, UUID(run), worker="early", lease_seconds=30) is None
    await as_owner(quiet.settings, "UPDATE runs SET lease_until = now() WHERE id::text = :run", run=run)
    question = await claim(resources.database, UUID(run), worker="due", lease_seconds=30)
    assert question is not None
    assert question.attempt == 4
    await as_owner(quiet.settings, "UPDATE runs SET status = 'cancelled' WHERE id::text = :run", run=run)


async def test_a_cancelled_run_is_not_taken_over(quiet: Quiet, upstream: Upstream) -> None:
    person = quiet.person
    chat, run = await _send(person)
    dead = "UPDATE runs SET status = 'running', attempt = 1, worker = 'gone', lease_until = now() WHERE id::text = :run"
    await as_owner(quiet.settings, dead, run=run)
    assert (await person.post(f"/runs/{run}/cancel")).json["status"] == "running"
    async with quiet.worker(), person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(10):
        assert [event async for event in events][-1].event == "run.cancelled"
    assert await _stored(person, chat) == ("", "cancelled", 1)
    assert upstream.completions == []


async def test_a_cancel_request_may_arrive_before_the_claim_returns(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(HALF, HALF)
    person = quiet.person
    async with quiet.worker() as resources, asyncio.timeout(10):
        chat, first = await _send(person)
        body = {"content": "and?", "model": "echo", "when_busy": "queue"}
        second = (await person.post(f"/sessions/{chat}/messages", body)).json["run"]["id"]
        async with person.stream("GET", f"/runs/{first}/events") as events:
            await _until_text(events, "half")
        await announce_cancel(resources.state, UUID(second))
        await person.post(f"/runs/{first}/cancel")  # is heard after the other, and lets the second run begin
        async with person.stream("GET", f"/runs/{second}/events") as events:
            assert [event.event async for event in events][-1] == "run.cancelled"


async def test_a_lost_wake_up_is_repeated(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(WHOLE)
    _, run = await _send(quiet.person)
    assert await quiet.resources.state.delete(RUNS) == 1
    async with quiet.worker(), quiet.person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(10):
        assert text_of([event async for event in events]) == "the whole answer"
    assert len(upstream.completions) == 1


async def test_the_reaper_releases_a_forgotten_follower(quiet: Quiet, upstream: Upstream) -> None:
    chat, first = await _send(quiet.person)
    body = {"content": "then", "model": "echo", "when_busy": "queue"}
    second = (await quiet.person.post(f"/sessions/{chat}/messages", body)).json["run"]["id"]
    await as_owner(quiet.settings, "UPDATE runs SET status = 'failed' WHERE id::text = :run", run=first)
    async with quiet.worker(), quiet.person.stream("GET", f"/runs/{second}/events") as events, asyncio.timeout(10):
        assert text_of([event async for event in events]) == "then"


@pytest.mark.parametrize("lost", ["the log", "everything"])
async def test_a_viewer_misses_nothing_of_a_lost_log(quiet: Quiet, upstream: Upstream, lost: str) -> None:
    upstream.next_answers(PACED)
    person, state = quiet.person, quiet.resources.state
    async with quiet.worker():
        chat, run = await _send(person)
        async with person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(10):
            seen = await _until_text(events, "0 1 ")
            await (state.delete(f"run:{run}:events") if lost == "the log" else state.flushdb())
            late = asyncio.create_task(_watch(person, run))
            seen += [event async for event in events]
            assert text_of(seen) == text_of(await late) == PACED_TEXT
    assert "message.reset" in {event.event for event in seen}
    assert await _stored(person, chat) == (PACED_TEXT, "completed", 1)
    assert len(upstream.completions) == 1


async def _watch(person: Person, run: str, **headers: str) -> list[Event]:
    async with person.stream("GET", f"/runs/{run}/events", **headers) as events:
        return [event async for event in events]


@pytest.mark.parametrize("last_seen", [None, "0-1", "1-2", "1-999"])
async def test_an_ended_run_without_a_log_is_shown_from_its_rows(
    person: Person, upstream: Upstream, stack: Stack, last_seen: str | None
) -> None:
    chat = await person.chat()
    run = (await person.send(chat, "gone from Redis", model="echo"))[0].data["run"]["id"]
    assert await stack.resources.state.delete(f"run:{run}:events") == 1
    events = await _watch(person, run, **({"last_event_id": last_seen} if last_seen else {}))
    assert [event.event for event in events] == ["message.reset", "message.completed"]
    assert text_of(events) == "gone from Redis" == events[-1].data["message"]["content"]


async def test_many_reapers_at_once_wake_a_run_once_each_time(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(WHOLE)
    chat, run = await _send(quiet.person)
    dead = "UPDATE runs SET status = 'running', attempt = 1, worker = 'gone', lease_until = now() WHERE id::text = :run"
    await as_owner(quiet.settings, dead, run=run)
    resources = quiet.resources
    reapers = [Reaper(resources.database, resources.state, every_seconds=0.2) for _ in range(5)]
    await asyncio.gather(*(reaper.repair() for reaper in reapers))
    async with quiet.worker(), asyncio.timeout(10):
        assert text_of(await _watch(quiet.person, run)) == "the whole answer"
    assert len(upstream.completions) == 1
    assert await _stored(quiet.person, chat) == ("the whole answer", "completed", 2)


async def test_a_viewer_who_returns_while_redis_is_away_gets_no_older_text(
    quiet: Quiet, servers: Servers, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    socket = Path(servers.folder) / "later.sock"
    state_url = quiet.settings.state_redis_url
    settings = quiet.settings.model_copy(update={"redis_state_url": SecretStr(f"unix://{quote(str(socket))}?db=1")})
    del settings.state_redis_url  # computed from the original's URL
    upstream.script("echo", *(step for n in range(200) for step in (Say((f"{n} ",)), Wait(0.02))))
    replica = f"{servers.folder}/replica-{uuid4().hex[:8]}.sock"
    async with (
        quiet.worker(),
        serving(backend.create_app(settings), replica),
        visitor(replica) as somebody,
        asyncio.timeout(30),
    ):
        chat, run = await _send(quiet.person)
        async with quiet.person.stream("GET", f"/runs/{run}/events") as events:
            seen = await _until_text(events, "0 1 2 3 4 ")
        older = "INSERT INTO run_texts SELECT id, owner_id, attempt, '0 1 ', now() FROM runs WHERE id::text = :run"
        await as_owner(quiet.settings, older, run=run)

        async def watch_again() -> list[Event]:
            person = Person(somebody.http, quiet.person.token)
            async with person.stream("GET", f"/runs/{run}/events", last_event_id=seen[-1].id) as events:
                return [event async for event in events]

        async def has_failed() -> bool:
            return "can't replay a live log" in caplog.text

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch_again())
            await until(has_failed)
            socket.symlink_to(unquote(urlsplit(state_url).path))
        assert text_of(seen + watching.result()) == (await quiet.person.messages(chat))[-1]["content"]
