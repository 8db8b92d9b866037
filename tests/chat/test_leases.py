"""A run belongs to its latest attempt: earlier attempts write nothing."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text

from basechat.chat.runs.answer import Answer
from basechat.chat.runs.execution import Ending, finish_run
from basechat.chat.runs.lease import Lease, claim, hand_over, keep_texts, renew
from basechat.chat.runs.reap import Reaper
from basechat.infra.db import Database, open_database
from basechat.kit.ids import new_id
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.rows import fill_every_table
from tests.support.stack import Stack
from tests.support.waiting import until


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[Database]:
    """The database of a worker."""
    opened = open_database(stack.resources.settings)
    yield opened
    await opened.close()


@pytest.fixture
async def queued(stack: Stack, person: Person) -> UUID:
    """A run without a wake-up, and too new for the reaper."""
    ids = await fill_every_table(stack.resources.settings, person.user["id"])
    requeue = "UPDATE runs SET status = 'queued', created_at = now() + interval '1 hour' WHERE id::text = :run"
    empty = "DELETE FROM run_texts WHERE run_id::text = :run"
    for statement in (requeue, empty):
        await as_owner(stack.resources.settings, statement, run=ids["run"])
    return UUID(ids["run"])


async def _take(database: Database, run: UUID, worker: str = "a") -> int | None:
    question = await claim(database, run, worker=worker, lease_seconds=30)
    return question.attempt if question else None


async def _row(stack: Stack, run: UUID) -> tuple[str, int, str, str | None]:
    row = """SELECT r.status, r.attempt, m.content, t.content FROM runs r JOIN messages m ON m.id = r.message_id
             LEFT JOIN run_texts t ON t.run_id = r.id WHERE r.id::text = :run"""
    found = (await as_owner(stack.resources.settings, row, run=str(run)))[0]
    return found[0], found[1], found[2], found[3]


async def test_one_of_many_claims_succeeds(database: Database, queued: UUID) -> None:
    taken = await asyncio.gather(*(_take(database, queued) for _ in range(8)))
    assert sorted(taken, key=str) == [1] + [None] * 7


async def test_a_claim_returns_the_request(database: Database, queued: UUID, person: Person) -> None:
    question = await claim(database, queued, worker="a", lease_seconds=30)
    assert question
    assert str(question.owner_id) == person.user["id"]
    assert [(turn["role"], turn["content"]) for turn in question.messages] == [("user", "질문")]
    assert (question.model, question.temperature, question.max_tokens) == ("echo", None, None)


async def test_only_its_holder_renews_a_lease(database: Database, queued: UUID) -> None:
    await _take(database, queued)
    held = {attempt: await renew(database, [Lease(queued, attempt)], lease_seconds=30) for attempt in (0, 1, 2)}
    assert held == {0: {}, 1: {queued: False}, 2: {}}
    assert await renew(database, [Lease(new_id(), 1)], lease_seconds=30) == {}


async def test_a_heartbeat_returns_a_cancel_request(database: Database, queued: UUID, person: Person) -> None:
    await _take(database, queued)
    assert (await person.post(f"/runs/{queued}/cancel")).json["status"] == "running"
    assert await renew(database, [Lease(queued, 1)], lease_seconds=30) == {queued: True}


async def test_a_former_attempt_writes_nothing(database: Database, queued: UUID, stack: Stack) -> None:
    await _take(database, queued)
    former = Lease(queued, 1)
    await keep_texts(database, {former: "half"})
    assert await hand_over(database, [former]) == [queued]
    assert await _take(database, queued, "b") == 2
    await keep_texts(database, {former: "half and more", Lease(new_id(), 1): "of nothing"})
    assert await _row(stack, queued) == ("running", 2, "답", "half")
    assert await finish_run(database, Lease(queued, 1), Ending(status="completed", content="wrong")) is None
    assert await finish_run(database, Lease(queued, 3), Ending(status="completed", content="wrong")) is None
    assert await hand_over(database, [former]) == []
    assert await renew(database, [former], lease_seconds=30) == {}
    assert await _row(stack, queued) == ("running", 2, "답", "half")


async def test_the_last_attempt_ends_the_run_once(database: Database, queued: UUID, stack: Stack) -> None:
    for _ in range(2):
        attempt = await _take(database, queued)
        assert attempt
        await keep_texts(database, {Lease(queued, attempt): f"text {attempt}"})
        if attempt == 1:
            await hand_over(database, [Lease(queued, 1)])
    answer = Answer(model="echo", tokens_used=7, meta_info={"finish_reason": "length"})
    finished = await finish_run(database, Lease(queued, 2), Ending(status="completed", content="whole", answer=answer))
    assert finished
    message = finished.message
    assert (message["content"], message["tokens_used"], message["model_used"]) == ("whole", 7, "echo")
    assert (message["run"]["status"], message["run"]["attempt"]) == ("completed", 2)
    assert await _row(stack, queued) == ("completed", 2, "whole", None)
    for ending in (Ending(status="completed", content="again"), Ending(status="cancelled", content="again")):
        assert await finish_run(database, Lease(queued, 2), ending) is None
    assert await _take(database, queued) is None
    assert await _row(stack, queued) == ("completed", 2, "whole", None)


async def test_a_cancelled_run_is_not_claimed(database: Database, queued: UUID, person: Person) -> None:
    assert (await person.post(f"/runs/{queued}/cancel")).json["status"] == "cancelled"
    assert await _take(database, queued) is None


async def test_a_run_with_a_cancel_request_is_not_handed_over(
    database: Database, queued: UUID, stack: Stack, person: Person
) -> None:
    await _take(database, queued)
    await keep_texts(database, {Lease(queued, 1): "half"})
    assert (await person.post(f"/runs/{queued}/cancel")).json["status"] == "running"
    assert await hand_over(database, [Lease(queued, 1)]) == []
    await Reaper(database, stack.resources.state, every_seconds=60).repair()
    assert await _row(stack, queued) == ("cancelled", 1, "half", "half")


async def test_a_cancel_at_the_moment_of_a_pause_keeps_the_whole_text(
    database: Database, queued: UUID, stack: Stack, person: Person
) -> None:
    await _take(database, queued)
    await keep_texts(database, {Lease(queued, 1): "half"})

    async def waits() -> bool:
        blocked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%runs%')"
        return bool((await as_owner(stack.resources.settings, blocked))[0][0])

    async with database.system_transaction() as connection:
        pause = "UPDATE runs SET status = 'waiting', lease_until = NULL WHERE id = :run"
        for statement in (pause, "UPDATE run_texts SET content = 'half and more' WHERE run_id = :run"):
            await connection.execute(text(statement), {"run": queued})
        cancelling = asyncio.create_task(person.post(f"/runs/{queued}/cancel"))
        await until(waits)
    assert (await cancelling).json["status"] == "cancelled"
    assert (await _row(stack, queued))[2] == "half and more"
