"""Notes over HTTP: only their owner lists, adds, changes and deletes them."""

import asyncio
import unicodedata
from typing import Any
from uuid import uuid4

import pytest

from basechat.toolbox.notes.store import NOTE_LENGTH, NOTES
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.stack import Stack
from tests.toolbox.tools import over_http


async def _contents(person: Person) -> list[str]:
    return [note["content"] for note in (await person.get("/notes")).json["items"]]


async def test_a_note_from_its_making_to_its_end(person: Person) -> None:
    made = await person.post("/notes", {"content": "  Likes green tea. "})
    assert made.status == 201
    note = made.json
    assert note.keys() == {"id", "content", "created_at", "updated_at"}
    assert note["content"] == "Likes green tea."
    assert (await person.get("/notes")).json == {"items": [note], "next_cursor": None}
    changed = await person.ask("PATCH", f"/notes/{note['id']}", json={"content": "Likes black tea."})
    assert (changed.status, changed.json["content"]) == (200, "Likes black tea.")
    assert changed.json["updated_at"] > note["updated_at"]
    assert (await person.ask("DELETE", f"/notes/{note['id']}")).status == 204
    assert await _contents(person) == []
    assert (await person.ask("DELETE", f"/notes/{note['id']}")).code == "note.not_found"


async def test_routes_and_tools_see_the_same_notes(stack: Stack, person: Person) -> None:
    async with over_http(stack, person) as tools:
        note = await tools.call("remember", content="by the assistant")
        again = await person.post("/notes", {"content": "by the assistant"})
        assert (again.status, again.json["id"]) == (200, note["id"])
        await person.post("/notes", {"content": "by hand"})
        assert [each["content"] for each in (await tools.call("recall"))["notes"]] == ["by hand", "by the assistant"]
        await person.ask("DELETE", f"/notes/{note['id']}")
        assert (await tools.call("recall"))["total"] == 1


async def test_pages_go_from_new_to_old(person: Person) -> None:
    for number in range(5):
        await person.post("/notes", {"content": f"note {number}"})
    seen: list[str] = []
    cursor = ""
    for size in (2, 2, 1):
        page = (await person.get(f"/notes?limit=2{cursor}")).json
        assert len(page["items"]) == size
        seen += [note["content"] for note in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == [f"note {number}" for number in (4, 3, 2, 1, 0)]


async def test_notes_of_others_are_not_there(person: Person, other: Person) -> None:
    note = (await person.post("/notes", {"content": "mine"})).json
    assert await _contents(other) == []
    for method, body in (("PATCH", {"content": "theirs"}), ("DELETE", None)):
        reply = await other.ask(method, f"/notes/{note['id']}", json=body)
        assert (reply.status, reply.code) == (404, "note.not_found")
    assert (await other.post("/notes", {"content": "mine"})).json["id"] != note["id"]
    assert await _contents(person) == ["mine"]


async def test_no_two_notes_say_the_same(person: Person) -> None:
    notes = [(await person.post("/notes", {"content": content})).json for content in ("one", "two")]
    reply = await person.ask("PATCH", f"/notes/{notes[1]['id']}", json={"content": "one"})
    assert (reply.status, reply.code) == (409, "note.exists")
    same = await person.ask("PATCH", f"/notes/{notes[0]['id']}", json={"content": "one"})
    assert same.status == 200
    texts = [unicodedata.normalize(form, "한국어") for form in ("NFC", "NFD")] * 3
    replies = await asyncio.gather(*(person.post("/notes", {"content": text}) for text in texts))
    assert sorted(reply.status for reply in replies) == [200] * 5 + [201]


async def test_there_is_an_end_of_notes(stack: Stack, person: Person) -> None:
    await as_owner(
        stack.resources.settings,
        """INSERT INTO notes (id, owner_id, content)
           SELECT gen_random_uuid(), CAST(:owner AS uuid), 'note ' || n FROM generate_series(1, :count) n""",
        owner=person.user["id"],
        count=NOTES - 1,
    )
    replies = await asyncio.gather(*(person.post("/notes", {"content": f"last {n}"}) for n in range(4)))
    assert sorted(reply.status for reply in replies) == [201, 409, 409, 409]
    assert {reply.code for reply in replies if reply.status == 409} == {"note.too_many"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"content": ""},
        {"content": " \n "},
        {"content": "x" * (NOTE_LENGTH + 1)},
        {"content": "a\x00b"},
        {"content": None},
        {"content": 7},
        {"content": "x", "owner_id": str(uuid4())},
    ],
)
async def test_what_is_no_note(person: Person, body: Any) -> None:
    reply = await person.post("/notes", body)
    assert (reply.status, reply.code) == (422, "request.invalid")
    note = (await person.post("/notes", {"content": "there"})).json
    assert (await person.ask("PATCH", f"/notes/{note['id']}", json=body)).code == "request.invalid"
    assert await _contents(person) == ["there"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=' OR true"])
async def test_what_is_no_page(person: Person, query: str) -> None:
    assert (await person.get(f"/notes?{query}")).code == "request.invalid"


async def test_strangers_and_tokens_of_other_scopes_have_no_notes(stranger: Person, person: Person) -> None:
    assert (await stranger.get("/notes")).code == "auth.required"
    token = (await person.post("/auth/tokens", {"name": "x", "scopes": ["mcp"]})).json["token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await stranger.get("/notes", headers=bearer)).code == "auth.scope"
