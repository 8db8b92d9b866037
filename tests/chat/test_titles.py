"""The model names a chat after its first answer. A title by a person stays, and so does one after a failure."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from basechat.chat.jobs.queue import claim
from basechat.chat.runs.reap import Reaper
from basechat.infra.redis.signals import wake_jobs
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.person import Person
from tests.support.stack import Servers, Stack
from tests.support.waiting import until
from tests.upstream import Fail, Say, Script, Stall, Upstream, Wait

QUESTION = "파이썬에서 리스트와 튜플은 무엇이 다른가요?\n자세히 알려 주세요."
FIRST_LINE = "파이썬에서 리스트와 튜플은 무엇이 다른가요?"
ANSWER: Script = (Say(("리스트는 ", "바꿀 수 있습니다.")),)
TITLE: Script = (Say(("**제목:** ", '"파이썬 리스트와 튜플의 차이."')),)
NAMED = "파이썬 리스트와 튜플의 차이"


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack whose workers write titles; redis-state has a database of its own."""
    state = stack.resources.settings.state_redis_url.replace("db=0", "db=8")
    async with quiet_stack(servers, stack.upstream, redis_state_url=state, titles="model") as running:
        yield running
        await running.resources.state.flushdb()


@pytest.fixture(autouse=True)
async def no_jobs(quiet: Quiet, upstream: Upstream) -> AsyncIterator[None]:
    """Each test begins without jobs."""
    yield
    await as_owner(quiet.settings, "DELETE FROM jobs")


async def _jobs(quiet: Quiet) -> list[tuple[Any, ...]]:
    return await as_owner(quiet.settings, "SELECT status, attempt FROM jobs ORDER BY id")


async def _until_done(quiet: Quiet, *statuses: tuple[str, int]) -> None:
    """Wait until the jobs are these."""

    async def are_done() -> bool:
        return await _jobs(quiet) == list(statuses)

    await until(are_done)


async def _title(person: Person, chat: str) -> str:
    title: str = (await person.get(f"/sessions/{chat}")).json["title"]
    return title


async def _ask(quiet: Quiet, **fields: Any) -> str:
    """Send the first message of a new chat and wait for the answer."""
    chat = await quiet.person.chat(**fields)
    events = await quiet.person.send(chat, QUESTION, model="korean")
    assert events[-1].event == "message.completed"
    return chat


async def test_the_model_names_a_chat_after_its_first_answer(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(ANSWER, TITLE, ANSWER)
    async with quiet.worker():
        chat = await _ask(quiet)
        before = (await quiet.person.get(f"/sessions/{chat}")).json
        await _until_done(quiet, ("completed", 1))
        after = (await quiet.person.get(f"/sessions/{chat}")).json
        await quiet.person.send(chat, "그러면 사전은?", model="korean")
    assert after == before | {"title": NAMED}
    assert await _jobs(quiet) == [("completed", 1)]
    answered, named, _ = upstream.completions
    assert (named.model, named.document["temperature"]) == (answered.model, 0.2)
    [asked] = named.document["messages"]
    assert FIRST_LINE in asked["content"]
    assert "바꿀 수 있습니다." in asked["content"]


async def test_the_call_is_in_the_usage_of_the_run_and_not_in_the_tokens_of_its_answer(
    quiet: Quiet, upstream: Upstream
) -> None:
    upstream.next_answers(ANSWER, TITLE)
    async with quiet.worker():
        message = (await quiet.person.send(await quiet.person.chat(), "a b c", model="echo"))[-1].data["message"]
        await _until_done(quiet, ("completed", 1))
    rows = "SELECT prompt_tokens + completion_tokens, attempt FROM usage WHERE run_id::text = :run ORDER BY id"

    async def are_there() -> bool:
        return len(await as_owner(quiet.settings, rows, run=message["run"]["id"])) == 2

    await until(are_there)
    answer, title = await as_owner(quiet.settings, rows, run=message["run"]["id"])
    assert answer == (message["tokens_used"], 1)
    assert title[0] > answer[0]


async def test_a_temporary_chat_gets_no_title(quiet: Quiet, upstream: Upstream) -> None:
    async with quiet.worker():
        chat = await _ask(quiet, temporary=True)
    assert (await _title(quiet.person, chat), await _jobs(quiet)) == (FIRST_LINE, [])


async def test_a_title_by_a_person_stays(quiet: Quiet, upstream: Upstream) -> None:
    async with quiet.worker():
        chat = await _ask(quiet, title="mine")
        await _until_done(quiet, ("completed", 1))
    assert await _title(quiet.person, chat) == "mine"
    assert len(upstream.completions) == 1


@pytest.mark.parametrize("change", ["rename", "delete", "purge"])
async def test_a_change_by_a_person_in_the_meantime_wins(quiet: Quiet, upstream: Upstream, change: str) -> None:
    upstream.next_answers(ANSWER, (Say(("Too ",)), Stall()))

    async def is_asked() -> bool:
        return len(upstream.completions) == 2

    async with quiet.worker():
        chat = await _ask(quiet)
        await until(is_asked)
        if change == "rename":
            await quiet.person.ask("PATCH", f"/sessions/{chat}", json={"title": "mine"})
        else:
            await quiet.person.ask("DELETE", f"/sessions/{chat}")
        if change == "purge":
            await as_owner(quiet.settings, "DELETE FROM chat_sessions WHERE id::text = :chat", chat=chat)
        upstream.next_answers(TITLE)
        upstream.cut()
        await _until_done(quiet, ("queued", 1))
        await as_owner(quiet.settings, "UPDATE jobs SET due_at = now()")
        await _until_done(quiet, ("completed", 2))
    assert len(upstream.completions) == 2
    if change == "rename":
        assert await _title(quiet.person, chat) == "mine"


async def test_a_title_by_a_person_during_the_model_call_stays(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(ANSWER, (Wait(0.5), *TITLE))

    async def is_asked() -> bool:
        return len(upstream.completions) == 2

    async with quiet.worker():
        chat = await _ask(quiet)
        await until(is_asked)
        await quiet.person.ask("PATCH", f"/sessions/{chat}", json={"title": "mine"})
        await _until_done(quiet, ("completed", 1))
    assert await _title(quiet.person, chat) == "mine"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ((Fail(401, None, "who?"),), "failed"),
        ((Say(("<think>hm",)),), "completed"),
        ((Say(("word ",) * 200),), "completed"),
        ((), "completed"),
    ],
    ids=["refused", "only thoughts", "an essay", "nothing"],
)
async def test_without_a_usable_title_the_first_line_stays(
    quiet: Quiet, upstream: Upstream, said: Script, status: str
) -> None:
    upstream.next_answers(ANSWER, said)
    async with quiet.worker():
        chat = await _ask(quiet)
        await _until_done(quiet, (status, 1))
    assert await _title(quiet.person, chat) == FIRST_LINE
    assert len(upstream.completions) == 2


async def test_a_busy_model_is_called_again_later(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(ANSWER, (Fail(429, "rate_limit_exceeded", "slow down"),), TITLE)
    async with quiet.worker():
        chat = await _ask(quiet)
        await _until_done(quiet, ("queued", 1))
        await as_owner(quiet.settings, "UPDATE jobs SET due_at = now()")
        await _until_done(quiet, ("completed", 2))
    assert await _title(quiet.person, chat) == NAMED


async def test_a_model_that_refuses_a_temperature_is_called_without_one(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(ANSWER, (Fail(400, "unsupported_value", "Unsupported value: 'temperature'"),), TITLE)
    async with quiet.worker():
        chat = await _ask(quiet)
        await _until_done(quiet, ("completed", 1))
    assert await _title(quiet.person, chat) == NAMED
    _, with_both, plain = upstream.completions
    assert {"temperature", "max_tokens"} <= with_both.document.keys()
    assert not {"temperature", "max_tokens"} & plain.document.keys()


async def test_a_regenerated_first_answer_does_not_rename_the_chat(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(ANSWER, TITLE, ANSWER)
    async with quiet.worker():
        chat = await _ask(quiet)
        await _until_done(quiet, ("completed", 1))
        answer = (await quiet.person.messages(chat))[-1]["id"]
        async with quiet.person.stream("POST", f"/messages/{answer}/regenerate", {}) as events:
            assert [event.event async for event in events][-1] == "message.completed"
    assert await _jobs(quiet) == [("completed", 1)]
    assert await _title(quiet.person, chat) == NAMED


async def test_the_first_completed_answer_names_the_chat(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers((Fail(500, None, "broken"),), ANSWER, TITLE)
    async with quiet.worker():
        chat = await quiet.person.chat()
        assert (await quiet.person.send(chat, QUESTION, model="korean"))[-1].event == "run.failed"
        assert await _jobs(quiet) == []
        await quiet.person.send(chat, "다시", model="korean")
        await _until_done(quiet, ("completed", 1))
    assert await _title(quiet.person, chat) == NAMED


async def test_another_worker_writes_the_title_after_a_crash(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(ANSWER, TITLE)
    resources = quiet.resources
    async with quiet.worker():
        chat = await _ask(quiet)
        await _until_done(quiet, ("completed", 1))
    # The same again, from the moment at which the first worker had claimed it and died.
    await as_owner(quiet.settings, "UPDATE jobs SET status = 'queued', attempt = 0")
    await as_owner(
        quiet.settings, "UPDATE chat_sessions SET title = :title WHERE id::text = :c", title=FIRST_LINE, c=chat
    )
    assert await claim(resources.database, ["title"], lease_seconds=30)
    upstream.next_answers(TITLE)
    async with quiet.worker():
        await asyncio.gather(*(wake_jobs(resources.state) for _ in range(3)))
        await as_owner(quiet.settings, "UPDATE jobs SET lease_until = now() - interval '1 second'")
        await Reaper(resources.database, resources.state, every_seconds=1).repair()
        await _until_done(quiet, ("completed", 2))
    assert await _title(quiet.person, chat) == NAMED
    assert len(upstream.completions) == 3


async def test_another_worker_writes_the_title_after_a_stop(
    quiet: Quiet, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("basechat.chat.jobs.runner.DRAIN_SECONDS", 0.05)
    upstream.next_answers(ANSWER, (Say(("Half ",)), Stall()), TITLE)

    async def is_asked() -> bool:
        return len(upstream.completions) == 2

    async with quiet.worker():
        chat = await _ask(quiet)
        await until(is_asked)
    assert await _jobs(quiet) == [("queued", 1)]
    async with quiet.worker():
        await _until_done(quiet, ("completed", 2))
    assert await _title(quiet.person, chat) == NAMED
    assert [record.closed_early for record in upstream.completions] == [False, True, False]


async def test_chats_get_titles_without_redis_state(
    servers: Servers, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = quote(str(tmp_path_factory.mktemp("state") / "nowhere.sock"))
    changes = {"redis_state_url": f"unix://{nowhere}?db=0", "titles": "model"}
    async with quiet_stack(servers, upstream, **changes) as away, away.worker(), asyncio.timeout(30):
        upstream.next_answers(ANSWER, TITLE)
        chat = await _ask(away)
        await _until_done(away, ("completed", 1))
        assert await _title(away.person, chat) == NAMED


async def test_a_setting_turns_titles_by_the_model_off(person: Person, upstream: Upstream, stack: Stack) -> None:
    chat = await person.chat()
    await person.send(chat, QUESTION, model="korean")
    jobs = "SELECT count(*) FROM jobs WHERE owner_id::text = :owner"
    assert await as_owner(stack.resources.settings, jobs, owner=person.user["id"]) == [(0,)]
    assert await _title(person, chat) == FIRST_LINE
