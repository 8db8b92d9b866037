"""Over HTTP, a tool acts only for the account that the token or the internal header names."""

import asyncio
from io import BytesIO
from uuid import UUID

import pytest

from basechat.kit import json
from basechat.protocol import INTERNAL_HEADER, Caller, sign_caller
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import SECRET, Stack
from tests.toolbox.tools import over_http

MODES = ["legacy", "auto"]
ANNOTATIONS = {
    # read-only, destructive, idempotent, open world
    "current_time": (True, False, False, False),
    "calculate": (True, False, True, False),
    "search_messages": (True, False, False, False),
    "fetch_page": (True, False, True, True),
    "remember": (False, False, True, False),
    "recall": (True, False, False, False),
    "forget": (False, True, True, False),
}


async def test_every_tool_says_what_it_is(stack: Stack, person: Person) -> None:
    async with over_http(stack, person) as tools:
        listed = {tool.name: tool for tool in (await tools.client.list_tools()).tools}
    assert listed.keys() == ANNOTATIONS.keys()
    for name, tool in listed.items():
        said = tool.annotations
        assert said is not None
        hints = (said.read_only_hint, said.destructive_hint, said.idempotent_hint, said.open_world_hint)
        assert hints == ANNOTATIONS[name], name
        assert tool.title
        assert tool.description
        assert tool.output_schema
        assert not {"owner", "owner_id", "user_id"} & tool.input_schema["properties"].keys()


@pytest.mark.parametrize("mode", MODES)
async def test_many_people_at_once_each_have_their_own(stack: Stack, person: Person, other: Person, mode: str) -> None:
    async def live(who: Person, name: str) -> None:
        async with over_http(stack, who, mode=mode) as tools:
            for number in range(5):
                await tools.call("remember", content=f"{name} {number}")
                notes = (await tools.call("recall"))["notes"]
                assert [note["content"] for note in notes] == [f"{name} {n}" for n in range(number, -1, -1)]

    async with asyncio.TaskGroup() as group:
        group.create_task(live(person, "mine"))
        group.create_task(live(other, "theirs"))


@pytest.mark.parametrize("mode", MODES)
async def test_the_internal_header_names_the_owner(stack: Stack, person: Person, other: Person, mode: str) -> None:
    caller = Caller(owner_id=UUID(person.user["id"]), run_id=None, attempt=1)
    header = {INTERNAL_HEADER: sign_caller(caller, key=SECRET.encode(), audience="mcp-server")}
    async with over_http(stack, person, mode=mode, headers=header) as tools:
        note = await tools.call("remember", content="by the assistant")
    async with over_http(stack, other, mode=mode) as tools:
        assert (await tools.call("recall"))["total"] == 0
        await tools.refused("forget", note_id=note["id"])
    async with over_http(stack, person, mode=mode) as tools:
        assert await tools.call("forget", note_id=note["id"]) == {"id": note["id"], "content": "by the assistant"}


async def test_chats_are_searched_and_pages_inside_are_not_read(stack: Stack, person: Person, other: Person) -> None:
    chat = await person.chat(title="Holidays")
    await person.send(chat, "My holiday starts on the ninth.")
    async with over_http(stack, person) as tools:
        found = (await tools.call("search_messages", query="HOLIDAY ninth"))["messages"]
        assert {each["chat_title"] for each in found} == {"Holidays"}
        assert "no public page" in await tools.refused("fetch_page", url="http://127.0.0.1/")
        assert (await tools.call("calculate", expression="0.1 + 0.2"))["result"] == "0.3"
    async with over_http(stack, other) as tools:
        assert (await tools.call("search_messages", query="HOLIDAY ninth"))["messages"] == []


async def test_an_argument_changes_no_owner(stack: Stack, person: Person, other: Person) -> None:
    async with over_http(stack, person) as tools:
        await tools.call("remember", content="mine", owner_id=other.user["id"], owner=other.user["id"])
        assert (await tools.call("recall"))["total"] == 1
    async with over_http(stack, other) as tools:
        assert (await tools.call("recall"))["total"] == 0


async def test_ten_megabytes_of_arguments_are_refused(stack: Stack, person: Person) -> None:
    call = {"name": "calculate", "arguments": {"expression": "1+" * 5_000_000 + "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {"accept": "application/json, text/event-stream", "authorization": f"Bearer {person.token}"}
    headers["content-type"] = "application/json"
    async with visitor(stack.socket("mcp-server")) as door:
        assert (await door.ask("POST", "/", data=BytesIO(json.dumps(body)), headers=headers)).status == 413
    async with over_http(stack, person) as tools:
        assert (await tools.call("calculate", expression="1+1"))["result"] == "2"
