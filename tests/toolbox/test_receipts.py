"""A tool of ours writes once per tool call of a run, even if the call is repeated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from basechat.infra.mcp.client import McpClient
from basechat.infra.mcp.connections import open_connections
from basechat.infra.mcp.tools import ToolResult
from basechat.kit import json
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller
from basechat.toolbox.receipts import delete_expired
from basechat.toolbox.server import build_server
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.stack import SECRET, Stack
from tests.support.waiting import until
from tests.toolbox.tools import Tools, in_memory, over_http


@asynccontextmanager
async def _assistant(stack: Stack, person: Person, run_id: UUID | None) -> AsyncIterator[McpClient]:
    """Connect to mcp-server as the worker of a run."""
    caller = Caller(owner_id=UUID(person.user["id"]), run_id=run_id, attempt=1)
    header = sign_caller(caller, key=SECRET.encode(), audience="mcp-server")
    async with open_connections(stack.resources.settings) as mcp:
        yield mcp.own({INTERNAL_HEADER: header})


async def _run(person: Person) -> UUID:
    """Create a run of the person and return its id."""
    events = await person.send(await person.chat(), "hello")
    return UUID(events[0].data["run"]["id"])


async def _remember(server: McpClient, content: str, call_id: str) -> dict[str, Any]:
    outcome = await server.call("remember", {"content": content}, call_id=call_id)
    assert outcome.ok, outcome.text
    found: dict[str, Any] = json.loads(outcome.text)
    return found


async def _contents(person: Person) -> list[str]:
    return [note["content"] for note in (await person.get("/notes")).json["items"]]


async def test_a_repeated_call_gets_the_first_answer(stack: Stack, person: Person) -> None:
    async with _assistant(stack, person, await _run(person)) as server:
        first = await _remember(server, "Likes tea.", "call-1")
        assert first["is_new"]
        assert await _remember(server, "Likes tea.", "call-1") == first
        assert not (await _remember(server, "Likes tea.", "call-2"))["is_new"]
        forgotten = await server.call("forget", {"note_id": first["id"]}, call_id="call-3")
        assert forgotten.ok
        assert await server.call("forget", {"note_id": first["id"]}, call_id="call-3") == forgotten
        assert not (await server.call("forget", {"note_id": first["id"]}, call_id="call-4")).ok
        assert await _remember(server, "Likes tea.", "call-1") == first
    assert await _contents(person) == []


async def test_the_same_call_at_the_same_time_has_one_effect(stack: Stack, person: Person) -> None:
    run_id = await _run(person)
    async with _assistant(stack, person, run_id) as one, _assistant(stack, person, run_id) as other:
        calls = [_remember(each, f"note {n}", "call-1") for n, each in enumerate((one, other) * 3)]
        answers = await asyncio.gather(*calls)
    assert len({answer["id"] for answer in answers}) == 1
    assert all(answer["is_new"] for answer in answers)
    assert len(await _contents(person)) == 1


async def test_each_run_has_its_own_calls(stack: Stack, person: Person, other: Person) -> None:
    for who in (person, person, other):
        async with _assistant(stack, who, await _run(who)) as server:
            assert (await _remember(server, f"note {uuid4()}", "call-1"))["is_new"]
    assert (len(await _contents(person)), len(await _contents(other))) == (2, 1)


async def test_a_call_that_failed_may_be_repeated(stack: Stack, person: Person) -> None:
    run_id = await _run(person)
    async with _assistant(stack, person, run_id) as server:
        note_id = str(uuid4())
        assert not (await server.call("forget", {"note_id": note_id}, call_id="call-1")).ok
        insert = "INSERT INTO notes (id, owner_id, content) VALUES (:id, :owner, 'x')"
        await as_owner(stack.resources.settings, insert, id=note_id, owner=person.user["id"])
        assert (await server.call("forget", {"note_id": note_id}, call_id="call-1")).ok


async def test_a_call_is_made_again_where_the_database_goes_away_in_its_middle(stack: Stack, person: Person) -> None:
    settings, lock = stack.resources.settings, {"lock": f"notes:{person.user['id']}"}
    waits = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE wait_event_type = 'Lock' AND query LIKE '%pg_advisory_xact_lock%'"""

    async def is_cut() -> bool:
        return bool(await as_owner(settings, waits))

    async with (
        _assistant(stack, person, await _run(person)) as server,
        stack.resources.database.system_transaction() as other,
    ):
        await other.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))"), lock)
        calling = asyncio.create_task(_remember(server, "Likes tea.", "call-1"))
        await until(is_cut)
        await other.rollback()
        assert (await calling)["is_new"]
    assert await _contents(person) == ["Likes tea."]


async def test_a_run_that_is_gone_writes_nothing(stack: Stack, person: Person) -> None:
    async with _assistant(stack, person, uuid4()) as server:
        outcome = await server.call("remember", {"content": "x"}, call_id="call-1")
    assert (outcome.ok, "gone" in outcome.text) == (False, True)
    assert await _contents(person) == []


async def test_a_run_of_somebody_else_has_no_receipts_to_read(stack: Stack, person: Person, other: Person) -> None:
    run_id = await _run(person)
    async with _assistant(stack, person, run_id) as server:
        await _remember(server, "My secret", "call-1")
    async with _assistant(stack, other, run_id) as server:
        outcome = await server.call("remember", {"content": "x"}, call_id="call-1")
    assert "secret" not in outcome.text


@pytest.mark.parametrize("call_id", ["", "x" * 101, 7, None, ["a"], {"a": 1}])
async def test_names_that_are_none_leave_no_receipt(stack: Stack, person: Person, call_id: object) -> None:
    server = build_server(stack.resources.settings, stack.resources.database)
    async with in_memory(server, person.user["id"], await _run(person)) as tools:
        assert await _is_new(tools, call_id)
        assert not await _is_new(tools, call_id)


async def test_outside_clients_leave_no_receipt(stack: Stack, person: Person) -> None:
    async with over_http(stack, person) as tools:
        assert await _is_new(tools, "call-1")
        assert not await _is_new(tools, "call-1")
    async with _assistant(stack, person, None) as server:
        assert not (await _remember(server, "of a client", "call-1"))["is_new"]


async def _is_new(tools: Tools, call_id: object) -> bool:
    meta: Any = {"basechat/call": call_id}
    result = await tools.client.call_tool("remember", {"content": "of a client"}, meta=meta)
    assert not result.is_error
    is_new: bool = result.structured_content["is_new"]
    return is_new


async def test_the_answer_is_the_same_in_every_way_it_is_told(stack: Stack, person: Person) -> None:
    """A receipt keeps the result unchanged: any text, times, ids."""
    async with _assistant(stack, person, await _run(person)) as server:
        first = await server.call("remember", {"content": '"한국어" \\ \n😀'}, call_id="call-1")
        again = await server.call("remember", {"content": "another"}, call_id="call-1")
        assert isinstance(first, ToolResult)
        assert first == again


async def test_receipts_expire_two_hours_after_the_end_of_their_run(stack: Stack, person: Person) -> None:
    database, settings = stack.resources.database, stack.resources.settings
    run_id = await _run(person)
    async with _assistant(stack, person, run_id) as server:
        await _remember(server, "x", "call-1")
    values = {"run": run_id}

    async def receipts() -> int:
        async with database.system_transaction() as connection:
            await delete_expired(connection)
            count = text("SELECT count(*) FROM tool_receipts WHERE run_id = :run")
            return int((await connection.execute(count, values)).scalar_one())

    assert await receipts() == 1
    ended = "UPDATE runs SET finished_at = now() - interval '3 hours' WHERE id = :run"
    await as_owner(settings, ended, **values)
    assert await receipts() == 0
