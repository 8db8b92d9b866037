"""`remember`, `recall`, `forget`: each person has their own notes."""

import asyncio
import unicodedata
from pathlib import Path
from uuid import uuid4

import pytest
from mcp.server.mcpserver import MCPServer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from basechat.infra.database_url import owner_url
from basechat.infra.db import open_database
from basechat.toolbox import receipts
from basechat.toolbox.notes.store import NOTE_LENGTH, NOTES
from basechat.toolbox.server import build_server
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.stack import Stack
from tests.toolbox.tools import Tools, in_memory


@pytest.fixture(scope="module")
def server(stack: Stack) -> MCPServer:
    return build_server(stack.resources.settings, stack.resources.database)


async def _contents(tools: Tools, query: str = "", **more: int) -> list[str]:
    found = await tools.call("recall", query=query, **more)
    return [note["content"] for note in found["notes"]]


async def test_a_note_lives_until_it_is_forgotten(server: MCPServer, person: Person) -> None:
    async with in_memory(server, person.user["id"]) as tools:
        note = await tools.call("remember", content="  Likes green tea.\n")
        assert note["is_new"]
        found = await tools.call("recall")
        assert found == {
            "notes": [{"id": note["id"], "content": "Likes green tea.", "created_at": note["created_at"]}],
            "total": 1,
        }
        assert await tools.call("forget", note_id=note["id"]) == {"id": note["id"], "content": "Likes green tea."}
        assert await _contents(tools) == []
        assert "no note" in await tools.refused("forget", note_id=note["id"])


async def test_the_same_text_is_one_note(server: MCPServer, person: Person) -> None:
    texts = ["한국어로 답하기", " 한국어로 답하기 ", unicodedata.normalize("NFD", "한국어로 답하기")] * 4
    async with in_memory(server, person.user["id"]) as tools:
        notes = await asyncio.gather(*(tools.call("remember", content=text) for text in texts))
        assert len({note["id"] for note in notes}) == 1
        assert sum(note["is_new"] for note in notes) == 1
        assert await _contents(tools, unicodedata.normalize("NFD", "한국")) == ["한국어로 답하기"]


async def test_recall_by_words_puts_the_fullest_first(server: MCPServer, person: Person) -> None:
    async with in_memory(server, person.user["id"]) as tools:
        for content in ("Green tea at noon", "Tea", "100% of coffee_beans", "Coffee", "back\\slash"):
            await tools.call("remember", content=content)
        assert await _contents(tools, "TEA green") == ["Green tea at noon", "Tea"]
        assert await _contents(tools, "%") == ["100% of coffee_beans"]
        assert await _contents(tools, "e_b") == ["100% of coffee_beans"]
        assert await _contents(tools, "k\\s") == ["back\\slash"]
        assert await _contents(tools, "nothing such") == []
        assert await _contents(tools, limit=2) == ["back\\slash", "Coffee"]
        assert (await tools.call("recall", limit=2))["total"] == 5
        assert await _contents(tools, "'; DROP TABLE notes; --") == []


async def test_notes_of_others_are_not_there(server: MCPServer, person: Person, other: Person) -> None:
    async with in_memory(server, person.user["id"]) as mine:
        note = await mine.call("remember", content="My secret wish")
    async with in_memory(server, other.user["id"]) as theirs:
        assert await _contents(theirs) == []
        assert await _contents(theirs, "secret") == []
        strange = await theirs.refused("forget", note_id=note["id"])
        unknown = await theirs.refused("forget", note_id=str(uuid4()))
        assert strange.split(note["id"])[0] == unknown[: len(strange.split(note["id"])[0])]
        assert (await theirs.call("remember", content="My secret wish"))["id"] != note["id"]
    async with in_memory(server, person.user["id"]) as mine:
        assert await _contents(mine) == ["My secret wish"]


async def test_there_is_an_end_of_notes(server: MCPServer, stack: Stack, person: Person) -> None:
    await as_owner(
        stack.resources.settings,
        """INSERT INTO notes (id, owner_id, content)
           SELECT gen_random_uuid(), CAST(:owner AS uuid), 'note ' || n FROM generate_series(1, :count) n""",
        owner=person.user["id"],
        count=NOTES - 1,
    )
    async with in_memory(server, person.user["id"]) as tools:
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(tools.client.call_tool("remember", {"content": f"last {n}"})) for n in range(4)]
        assert sum(not each.result().is_error for each in tries) == 1
        assert str(NOTES) in await tools.refused("remember", content="one more")
        assert not (await tools.call("remember", content="note 1"))["is_new"]
        assert (await tools.call("recall", limit=1))["total"] == NOTES


@pytest.mark.parametrize(
    "content",
    ["", " \n ", "x" * (NOTE_LENGTH + 1), "a\x00b", pytest.param("가" * 5_000_000, id="huge"), None, 7, ["a"]],
)
async def test_what_is_no_note(server: MCPServer, person: Person, content: object) -> None:
    async with in_memory(server, person.user["id"]) as tools:
        assert len(await tools.refused("remember", content=content)) < 1_000
        assert await _contents(tools) == []


@pytest.mark.parametrize(
    "note_id",
    [
        "",
        "1",
        "no-id",
        "01937f5e-0000-7000-8000-000000000000",
        "' OR true --",
        None,
        pytest.param("x" * 100_000, id="long"),
    ],
)
async def test_what_is_no_id(server: MCPServer, person: Person, note_id: object) -> None:
    async with in_memory(server, person.user["id"]) as tools:
        await tools.refused("forget", note_id=note_id)


async def test_without_a_caller_no_rows_are_reached(server: MCPServer) -> None:
    async with in_memory(server) as tools:
        assert await _contents(tools) == []
        result = await tools.client.call_tool("remember", {"content": "of nobody"})
        assert result.is_error


async def test_a_statement_that_waits_too_long_is_stopped(
    server: MCPServer, stack: Stack, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "_SET_TIMEOUT", text("SET LOCAL statement_timeout = '50ms'"))
    engine = create_async_engine(owner_url(stack.resources.settings), poolclass=NullPool)
    async with in_memory(server, person.user["id"]) as tools:
        async with engine.begin() as blocker:
            await blocker.execute(text("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"))
            assert "was stopped" in await tools.refused("recall")
        assert await _contents(tools) == []
    await engine.dispose()


async def test_a_database_that_is_away_is_said_to_be(stack: Stack, person: Person, tmp_path: Path) -> None:
    away = stack.servers.settings(database_url=f"postgresql://admin@/basechat?host={tmp_path}")
    database = open_database(away)
    async with in_memory(build_server(away, database), person.user["id"]) as tools:
        assert "does not answer" in await tools.refused("recall")
        assert "does not answer" in await tools.refused("remember", content="x")
    await database.close()
