"""A purge of a chat stops its active runs and deletes all its rows."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from basechat.chat.runs.reap import Reaper
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.stack import Servers, Stack
from tests.upstream import Call, Say, Script, Stall, Upstream

ANSWERING: Script = (Say(("half ", "an ")), Stall())
WAITING: Script = (Call("remember", {"content": "likes tea"}),)
OF_RUNS = ("run_texts", "tool_calls", "agent.checkpoints", "agent.checkpoint_writes", "tool_receipts")


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack with a worker that renews its leases often."""
    state = stack.resources.settings.state_redis_url.replace("db=0", "db=4")
    names = {"redis_state_url": state, "run_heartbeat_seconds": 0.1}
    async with quiet_stack(servers, stack.upstream, **names) as running, running.worker():
        yield running
        await running.resources.state.flushdb()


@pytest.mark.parametrize(("script", "last"), [(ANSWERING, "message.delta"), (WAITING, "tool.approval")])
async def test_a_purge_stops_runs(quiet: Quiet, upstream: Upstream, script: Script, last: str) -> None:
    upstream.next_answers(script)
    person = quiet.person
    chat = await person.chat()
    path, body = f"/sessions/{chat}/messages", {"content": "?", "model": "echo"}
    async with person.stream("POST", path, body) as events, asyncio.timeout(20):
        while (await anext(events)).event != last:
            pass
        await person.ask("DELETE", f"/sessions/{chat}")
        purge = "UPDATE chat_sessions SET deleted_at = now() - interval '1 day' WHERE id::text = :id"
        await as_owner(quiet.settings, purge, id=chat)
        await Reaper(quiet.resources.database, quiet.resources.state, every_seconds=60).clean_up()
        assert [event.event async for event in events if event.event.startswith(("run.", "message.completed"))] == []
        await upstream.completions[0].ended.wait()
    assert upstream.completions[0].closed_early is (script is ANSWERING)
    for table in ("runs", "messages"):
        statement = f"SELECT count(*) FROM {table} WHERE session_id::text = :id"  # noqa: S608
        assert await as_owner(quiet.settings, statement, id=chat) == [(0,)]
    for table in OF_RUNS:
        orphans = f"SELECT count(*) FROM {table} t WHERE NOT EXISTS (SELECT FROM runs r WHERE r.id = t.run_id)"  # noqa: S608
        assert await as_owner(quiet.settings, orphans) == [(0,)]
