"""`search_messages`: all words must match, newest first, only in the person's own chats."""

from uuid import UUID

import pytest
from mcp.server.mcpserver import MCPServer

from basechat.kit.ids import new_id
from basechat.toolbox.server import build_server
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.stack import Stack
from tests.toolbox.tools import Tools, in_memory


@pytest.fixture(scope="module")
def server(stack: Stack) -> MCPServer:
    return build_server(stack.resources.settings, stack.resources.database)


async def _write(stack: Stack, person: Person, chat_id: str, content: str, *, role: str = "user", age: int = 0) -> str:
    message_id = str(new_id())
    await as_owner(
        stack.resources.settings,
        """INSERT INTO messages (id, session_id, owner_id, branch_id, role, content, created_at) VALUES
           (CAST(:id AS uuid), CAST(:chat AS uuid), CAST(:owner AS uuid), CAST(:id AS uuid), :role, :content,
            now() - make_interval(hours => :age))""",
        id=message_id, chat=chat_id, owner=person.user["id"], role=role, content=content, age=age,
    )  # fmt: skip
    return message_id


async def _found(tools: Tools, query: str, **more: int) -> list[str]:
    return [each["message_id"] for each in (await tools.call("search_messages", query=query, **more))["messages"]]


async def test_all_words_newest_first(server: MCPServer, stack: Stack, person: Person) -> None:
    chat = await person.chat(title="Garden")
    old = await _write(stack, person, chat, "Plant the RED roses in spring", age=3)
    new = await _write(stack, person, chat, "Red roses need water", role="assistant", age=1)
    await _write(stack, person, chat, "Yellow roses", age=2)
    await _write(stack, person, chat, "a system prompt about red roses", role="system")
    async with in_memory(server, person.user["id"]) as tools:
        found = (await tools.call("search_messages", query="roses red"))["messages"]
        assert [each["message_id"] for each in found] == [new, old]
        assert found[0] | {"created_at": ""} == {
            "message_id": new, "chat_id": chat, "chat_title": "Garden", "role": "assistant", "created_at": "",
            "snippet": "Red roses need water",
        }  # fmt: skip
        assert await _found(tools, "roses red", limit=1) == [new]
        assert await _found(tools, "roses tulips") == []


async def test_signs_are_themselves(server: MCPServer, stack: Stack, person: Person) -> None:
    chat = await person.chat()
    sale = await _write(stack, person, chat, "100% off for snake_case, C:\\temp; it's 'quoted'")
    await _write(stack, person, chat, "nothing special")
    async with in_memory(server, person.user["id"]) as tools:
        for query in ("%", "e_c", ":\\t", "'quoted'", "it's"):
            assert await _found(tools, query) == [sale], query
        for query in ("__", "' OR true --", "%%", "\\\\"):
            assert await _found(tools, query) == [], query


async def test_the_snippet_is_cut_around_the_word(server: MCPServer, stack: Stack, person: Person) -> None:
    chat = await person.chat()
    await _write(stack, person, chat, f"{'앞 ' * 5_000}바늘 {'뒤 ' * 5_000}")
    async with in_memory(server, person.user["id"]) as tools:
        (hit,) = (await tools.call("search_messages", query="바늘"))["messages"]
    assert "바늘" in hit["snippet"]
    assert len(hit["snippet"]) <= 302
    assert (hit["snippet"][0], hit["snippet"][-1]) == ("…", "…")


async def test_others_deleted_and_temporary_chats_are_not_found(
    server: MCPServer, stack: Stack, person: Person, other: Person
) -> None:
    word = f"word{new_id().hex}"
    theirs, deleted, temporary = await other.chat(), await person.chat(), await person.chat(temporary=True)
    await _write(stack, other, theirs, word)
    await _write(stack, person, deleted, word)
    await _write(stack, person, temporary, word)
    assert (await person.ask("DELETE", f"/sessions/{deleted}")).status == 204
    async with in_memory(server, person.user["id"]) as tools:
        assert await _found(tools, word) == []
    async with in_memory(server, other.user["id"]) as tools:
        assert len(await _found(tools, word)) == 1


async def test_the_running_question_is_no_find(server: MCPServer, stack: Stack, person: Person) -> None:
    chat = await person.chat()
    earlier = await _write(stack, person, chat, "the needle is in the hay")
    events = await person.send(chat, "where is the needle?")
    run = events[0].data["run"]
    async with in_memory(server, person.user["id"], run_id=UUID(run["id"])) as tools:
        assert await _found(tools, "needle the") == [earlier]


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": ""},
        {"query": " \n"},
        {"query": "x" * 201},
        {"query": "\x00"},
        {"query": "a", "limit": 0},
        {"query": "a", "limit": 1000},
        {"query": "a" * 10_000_000},
        {},
    ],
)
async def test_what_is_no_query(server: MCPServer, person: Person, arguments: dict[str, object]) -> None:
    async with in_memory(server, person.user["id"]) as tools:
        assert len(await tools.refused("search_messages", **arguments)) < 1_000
