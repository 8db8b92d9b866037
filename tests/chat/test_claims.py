"""A claim reads the branch back to its latest summary, by indexes, however long the chat is."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from basechat.chat.runs.answer import RunRequest
from basechat.chat.runs.lease import StoredSummaries, claim
from basechat.kit.ids import new_id
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.plans import explain, statements
from tests.support.stack import Servers, Stack

# One branch `m1`, `m2`, … and a queued run that answers the last of them, on a stack without a worker.
_CHAT = """
    WITH given AS (
        SELECT CAST(:chat AS uuid) AS chat, CAST(:owner AS uuid) AS owner, CAST(:count AS integer) AS count,
               CAST(:padding AS integer) AS padding
    ), c AS (
        INSERT INTO chat_sessions (id, user_id) SELECT chat, owner FROM given
    ), ids AS MATERIALIZED (
        SELECT n, gen_random_uuid() AS id FROM given, generate_series(1, count + 1) n
    ), m AS (
        INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content, meta_info)
        SELECT ids.id, chat, owner, p.id, chat, CASE (count - ids.n) % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
               CASE WHEN ids.n <= count THEN rpad('m' || ids.n, padding) ELSE '' END,
               jsonb_build_object('context', jsonb_build_object('estimated', ids.n), 'other', 'x')
        FROM given CROSS JOIN ids LEFT JOIN ids p ON p.n = ids.n - 1
    )
    INSERT INTO runs (id, session_id, owner_id, branch_id, user_message_id, message_id, status)
    SELECT CAST(:run AS uuid), chat, owner, chat, p.id, a.id, 'queued'
    FROM given JOIN ids a ON a.n = count + 1 JOIN ids p ON p.n = count
"""
_SUMMARISE = """
    INSERT INTO context_summaries (message_id, owner_id, content)
    SELECT m.id, m.owner_id, 'up to ' || trim(m.content) FROM messages m JOIN runs r ON r.session_id = m.session_id
    WHERE r.id::text = :run AND trim(m.content) = ANY(:contents)
"""
# As many short chats of the same person, each with a run and a summary.
_CROWD = """
    WITH c AS (
        INSERT INTO chat_sessions (id, user_id)
        SELECT gen_random_uuid(), CAST(:owner AS uuid) FROM generate_series(1, 3000) RETURNING id, user_id
    ), q AS (
        INSERT INTO messages (id, session_id, owner_id, branch_id, role, content)
        SELECT id, id, user_id, id, 'user', 'hi' FROM c RETURNING id, owner_id
    ), a AS (
        INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content)
        SELECT gen_random_uuid(), id, owner_id, id, id, 'assistant', 'hello' FROM q RETURNING id, parent_id, owner_id
    ), s AS (
        INSERT INTO context_summaries (message_id, owner_id, content) SELECT id, owner_id, 'hello' FROM a
    )
    INSERT INTO runs (id, session_id, owner_id, branch_id, user_message_id, message_id, status)
    SELECT gen_random_uuid(), parent_id, owner_id, parent_id, parent_id, id, 'completed' FROM a
"""


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack without workers."""
    async with quiet_stack(servers, stack.upstream) as running:
        yield running


async def _chat(quiet: Quiet, count: int, padding: int = 10) -> UUID:
    run = new_id()
    values = {"chat": str(new_id()), "owner": quiet.person.user["id"], "run": str(run)}
    await as_owner(quiet.settings, _CHAT, **values, count=count, padding=padding)
    return run


async def _claim(quiet: Quiet, run: UUID) -> RunRequest:
    question = await claim(quiet.resources.database, run, worker="a", lease_seconds=30)
    assert question
    return question


def _said(question: RunRequest) -> list[str]:
    return [turn["content"].strip() for turn in question.messages]


@pytest.mark.parametrize("count", [1, 2, 1000])
async def test_without_a_summary_all_of_the_branch_is_read(quiet: Quiet, count: int) -> None:
    question = await _claim(quiet, await _chat(quiet, count))
    assert _said(question) == [f"m{n}" for n in range(1, count + 1)]
    assert question.summary is None
    last = question.messages[-1]
    assert (last["role"], last["context"]) == ("user", {"estimated": count})
    assert last.keys() == {"id", "role", "content", "context"}


@pytest.mark.parametrize("summarised", [["m1"], ["m10"], ["m4", "m10"], ["m18"]])
async def test_the_branch_is_read_back_to_the_nearest_summary(quiet: Quiet, summarised: list[str]) -> None:
    run = await _chat(quiet, 19)
    await as_owner(quiet.settings, _SUMMARISE, run=str(run), contents=summarised)
    question = await _claim(quiet, run)
    nearest = summarised[-1]
    assert _said(question) == [f"m{n}" for n in range(int(nearest[1:]) + 1, 20)]
    assert question.summary == f"up to {nearest}"


async def test_the_message_to_answer_is_never_summarised(quiet: Quiet) -> None:
    run = await _chat(quiet, 3)
    await as_owner(quiet.settings, _SUMMARISE, run=str(run), contents=["m3"])
    question = await _claim(quiet, run)
    assert (_said(question), question.summary) == (["m1", "m2", "m3"], None)


@pytest.mark.parametrize(("count", "padding", "read"), [(4100, 10, 4000), (50, 1_000_000, 8)])
async def test_a_claim_reads_a_bounded_part_of_the_branch(quiet: Quiet, count: int, padding: int, read: int) -> None:
    question = await _claim(quiet, await _chat(quiet, count, padding))
    assert _said(question) == [f"m{n}" for n in range(count - read + 1, count + 1)]


async def test_a_claim_uses_indexes(quiet: Quiet) -> None:
    await as_owner(quiet.settings, _CROWD, owner=quiet.person.user["id"])
    run = await _chat(quiet, 1500)
    await as_owner(quiet.settings, "ANALYZE")
    engine = quiet.resources.database.system
    with statements(engine) as seen:
        await _claim(quiet, run)
    assert len(seen) == 1
    plan = await explain(engine, *seen)
    for table in ("messages", "chat_sessions", "context_summaries"):
        assert f"Scan using pk_{table} on {table}" in plan, plan
    assert re.search(r"Scan using (pk_runs|ix_runs_active) on runs", plan), plan
    assert not re.search(r"Seq Scan on (messages|runs|chat_sessions|context_summaries)|ix_messages", plan), plan


async def test_only_the_attempt_that_owns_the_run_stores_a_summary(quiet: Quiet) -> None:
    run, others = await _chat(quiet, 5), await _chat(quiet, 5)
    question = await _claim(quiet, run)
    elsewhere = (await _claim(quiet, others)).messages[1]["id"]
    summaries = StoredSummaries(quiet.resources.database)
    covered = question.messages[1]["id"]
    former = replace(question, attempt=question.attempt - 1)
    assert await summaries.keep(former, covered, "by a former attempt") == "by a former attempt"
    assert await summaries.keep(question, elsewhere, "of another chat") == "of another chat"
    count = "SELECT count(*) FROM context_summaries WHERE message_id::text = ANY(:ids)"
    assert await as_owner(quiet.settings, count, ids=[covered, elsewhere]) == [(0,)]
    assert await summaries.keep(question, covered, "the first") == "the first"
    assert await summaries.keep(question, covered, "another branch's") == "the first"
    assert await as_owner(quiet.settings, count, ids=[covered, elsewhere]) == [(1,)]
