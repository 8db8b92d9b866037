"""Tool calls and takeovers: no call is made twice, and a former attempt writes nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from basechat.chat.runs.answer import LostRunError, RunRequest
from basechat.chat.runs.checkpoints import CheckpointHandle, RunCheckpoints
from basechat.chat.runs.lease import Lease, claim, pause
from basechat.chat.runs.reap import Reaper
from basechat.chat.runs.tools.ledger import UNKNOWN, ToolCall, ToolLedger
from basechat.infra.mcp.tools import ToolResult
from basechat.toolbox import receipts
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.person import Event, text_of
from tests.support.stack import Servers, Stack
from tests.upstream import Call, Say, Stall, Upstream

CALL = ToolCall(
    call_id="call_1",
    name="wiki__write",
    title="Write",
    server="wiki",
    arguments={"text": "hello"},
    step=1,
    text_at=0,
    input_schema={},
    approval_key=None,
    is_repeatable=False,
)
DONE = ToolResult(ok=True, text="written")


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack whose workers this module starts; it shares mcp-server with other tests."""
    state = stack.resources.settings.state_redis_url.replace("db=0", "db=2")
    async with quiet_stack(servers, stack.upstream, redis_state_url=state) as running:
        yield running
        await running.resources.state.flushdb()


async def _send(quiet: Quiet) -> tuple[str, str]:
    chat = await quiet.person.chat()
    reply = await quiet.person.post(f"/sessions/{chat}/messages", {"content": "?", "model": "echo"})
    assert reply.status == 202, reply.body
    return chat, reply.json["run"]["id"]


async def _claim(quiet: Quiet, run: str) -> RunRequest:
    question = await claim(quiet.resources.database, UUID(run), worker="test", lease_seconds=30)
    assert question is not None
    return question


async def _lose_lease(quiet: Quiet, run: str) -> None:
    lose = "UPDATE runs SET lease_until = now() - interval '1 second' WHERE id::text = :run"
    await as_owner(quiet.settings, lose, run=run)
    await Reaper(quiet.resources.database, quiet.resources.state, every_seconds=60).repair()


async def _count(quiet: Quiet, table: str, run: str) -> int:
    rows = await as_owner(quiet.settings, f"SELECT count(*) FROM {table} WHERE run_id::text = :run", run=run)  # noqa: S608
    return int(rows[0][0])


async def test_an_answer_continues_after_its_calls(quiet: Quiet, upstream: Upstream) -> None:
    upstream.next_answers(
        (Say(("Let me see.",)), Call("calculate", {"expression": "6 * 7"})),
        (Say(("It is ", "per")), Stall()),
        (Say(("It is 42.",)),),
    )
    chat, run = await _send(quiet)
    async with quiet.worker(), quiet.person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(20):
        seen: list[Event] = []
        while "per" not in text_of(seen):
            seen.append(await anext(events))
        await _lose_lease(quiet, run)
        seen += [event async for event in events]
    assert text_of(seen) == "Let me see.\n\nIt is 42."
    assert [event.event for event in seen].count("tool.call") == 1
    answer = (await quiet.person.messages(chat))[-1]
    assert (answer["content"], answer["run"]["attempt"]) == ("Let me see.\n\nIt is 42.", 2)
    assert [call["status"] for call in answer["meta_info"]["tool_calls"]] == ["completed"]
    second, third = (record.document for record in upstream.completions[1:])
    assert second == third


async def test_checkpoints_are_deleted_with_their_run(quiet: Quiet, upstream: Upstream) -> None:
    tables = ("agent.checkpoints", "agent.checkpoint_writes", "tool_calls")
    ended: list[str] = []
    purged: list[str] = []
    for runs in (ended, purged):
        upstream.next_answers((Call("calculate", {"expression": "1"}),), (Say(("One.",)),))
        chat, run = await _send(quiet)
        async with quiet.worker(), quiet.person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(20):
            assert [event async for event in events][-1].event == "message.completed"
        runs.append(run)
        assert await _count(quiet, "agent.checkpoints", run) == 1
    await quiet.person.ask("DELETE", f"/sessions/{chat}")
    await as_owner(quiet.settings, "UPDATE chat_sessions SET deleted_at = now() - interval '1 day' WHERE NOT is_active")
    await Reaper(quiet.resources.database, quiet.resources.state, every_seconds=60).clean_up()
    assert [await _count(quiet, table, ended[0]) for table in tables] == [0, 0, 1]
    assert [await _count(quiet, table, purged[0]) for table in tables] == [0, 0, 0]


async def test_receipts_outlive_their_run_by_hours(quiet: Quiet, upstream: Upstream) -> None:
    reaper = Reaper(quiet.resources.database, quiet.resources.state, housekeeping=[receipts.delete_expired])
    _, run = await _send(quiet)
    assert (await quiet.person.post(f"/runs/{run}/cancel")).json["status"] == "cancelled"
    keep = """INSERT INTO tool_receipts (run_id, call_id, owner_id, result)
              SELECT id, 'call_1', owner_id, '{}' FROM runs WHERE id::text = :run"""
    await as_owner(quiet.settings, keep, run=run)
    await reaper.clean_up()
    assert await _count(quiet, "tool_receipts", run) == 1
    long_ago = "UPDATE runs SET finished_at = now() - interval '3 hours' WHERE id::text = :run"
    await as_owner(quiet.settings, long_ago, run=run)
    await reaper.clean_up()
    assert await _count(quiet, "tool_receipts", run) == 0


async def test_an_interrupted_call_is_not_made_again(quiet: Quiet, upstream: Upstream) -> None:
    ledger = ToolLedger(quiet.resources.database)
    _, run = await _send(quiet)
    first = await _claim(quiet, run)
    assert (await ledger.begin(first, CALL)).verdict == "make"
    assert (await ledger.begin(first, CALL)).verdict == "make"  # only the answer to it was lost
    await _lose_lease(quiet, run)
    second = await _claim(quiet, run)
    for _ in range(2):
        permit = await ledger.begin(second, CALL)
        assert (permit.verdict, permit.result) == ("answered", UNKNOWN)
    await as_owner(quiet.settings, "UPDATE runs SET status = 'cancelled' WHERE id::text = :run", run=run)


async def test_a_repeatable_call_is_made_again_under_its_id(quiet: Quiet, upstream: Upstream) -> None:
    ledger, call = ToolLedger(quiet.resources.database), replace(CALL, is_repeatable=True)
    _, run = await _send(quiet)
    await ledger.begin(await _claim(quiet, run), call)
    await _lose_lease(quiet, run)
    second = await _claim(quiet, run)
    assert (await ledger.begin(second, call)).verdict == "make"
    await ledger.end(second, call.call_id, DONE)
    await ledger.end(second, call.call_id, DONE)  # only the answer to it was lost
    permit = await ledger.begin(second, call)
    assert (permit.verdict, permit.result) == ("answered", DONE)
    assert await _count(quiet, "tool_calls", run) == 1
    await as_owner(quiet.settings, "UPDATE runs SET status = 'cancelled' WHERE id::text = :run", run=run)


async def test_a_call_without_a_server_was_not_made(quiet: Quiet, upstream: Upstream) -> None:
    ledger, call = ToolLedger(quiet.resources.database), replace(CALL, server="")
    _, run = await _send(quiet)
    await ledger.begin(await _claim(quiet, run), call)
    await _lose_lease(quiet, run)
    assert (await ledger.begin(await _claim(quiet, run), call)).verdict == "make"
    await as_owner(quiet.settings, "UPDATE runs SET status = 'cancelled' WHERE id::text = :run", run=run)


async def test_an_approval_is_requested_again_for_another_tool(quiet: Quiet, upstream: Upstream) -> None:
    ledger, call = ToolLedger(quiet.resources.database), replace(CALL, approval_key="one")
    _, run = await _send(quiet)
    assert (await ledger.begin(await _claim(quiet, run), call)).verdict == "wait"
    await as_owner(quiet.settings, "UPDATE tool_calls SET status = 'approved' WHERE run_id::text = :run", run=run)
    await _lose_lease(quiet, run)
    second = await _claim(quiet, run)
    assert (await ledger.begin(second, replace(call, approval_key="another"))).verdict == "wait"
    await as_owner(quiet.settings, "UPDATE tool_calls SET status = 'approved' WHERE run_id::text = :run", run=run)
    assert (await ledger.begin(second, replace(call, approval_key="another"))).verdict == "make"
    await as_owner(quiet.settings, "UPDATE runs SET status = 'cancelled' WHERE id::text = :run", run=run)


async def test_a_run_waits_only_for_undecided_calls(quiet: Quiet, upstream: Upstream) -> None:
    database = quiet.resources.database
    ledger = ToolLedger(database)
    _, run = await _send(quiet)
    first = await _claim(quiet, run)
    await ledger.begin(first, replace(CALL, approval_key="one"))
    lost = Lease(first.run_id, first.attempt + 1)
    assert await pause(database, lost, "") == "lost"
    assert await pause(database, Lease(first.run_id, first.attempt), "so far") == "waiting"
    await as_owner(quiet.settings, "UPDATE tool_calls SET status = 'approved' WHERE run_id::text = :run", run=run)
    await as_owner(quiet.settings, "UPDATE runs SET status = 'queued' WHERE id::text = :run", run=run)
    second = await _claim(quiet, run)
    assert await pause(database, Lease(second.run_id, second.attempt), "so far") == "queued"
    third = await _claim(quiet, run)
    assert (await quiet.person.post(f"/runs/{run}/cancel")).json["status"] == "running"
    assert await pause(database, Lease(third.run_id, third.attempt), "so far") == "cancelled"
    await as_owner(quiet.settings, "UPDATE runs SET status = 'cancelled' WHERE id::text = :run", run=run)


async def test_a_former_attempt_writes_nothing(quiet: Quiet, upstream: Upstream) -> None:
    database = quiet.resources.database
    ledger, saver = ToolLedger(database), RunCheckpoints(database)
    _, run = await _send(quiet)
    first = await _claim(quiet, run)
    await ledger.begin(first, CALL)
    await _lose_lease(quiet, run)
    second = await _claim(quiet, run)
    handles = [CheckpointHandle(question.run_id, question.attempt) for question in (first, second)]
    checkpoint = {"id": "c", "channel_values": {"steps": [{"role": "tool"}]}}
    with pytest.raises(LostRunError):
        await ledger.begin(first, replace(CALL, call_id="call_2"))
    with pytest.raises(LostRunError):
        await ledger.end(first, CALL.call_id, DONE)
    with pytest.raises(LostRunError):
        await saver.aput(handles[0].config, checkpoint, {}, {})  # type: ignore[arg-type]
    assert await _count(quiet, "agent.checkpoints", run) == 0

    named = await saver.aput(handles[1].config, checkpoint, {}, {})  # type: ignore[arg-type]
    handles[0].kept = "c"
    stale = {"configurable": {**named["configurable"], "handle": handles[0]}}
    await saver.aput_writes(stale, [("steps", [1])], "task")  # type: ignore[arg-type]
    assert await _count(quiet, "agent.checkpoint_writes", run) == 0
    await saver.aput_writes(named, [("steps", [2])], "task")
    kept = await saver.aget_tuple(handles[1].config)
    assert kept is not None
    assert kept.pending_writes == [("task", "steps", [2])]
    await as_owner(quiet.settings, "UPDATE runs SET status = 'cancelled' WHERE id::text = :run", run=run)
