"""Chats are listed by activity, changed, deleted, restored and purged, by their owner only."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from basechat.chat.runs.reap import Reaper
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.stack import Stack
from tests.upstream import Upstream

FIELDS = {
    "id", "title", "model_type", "model_name", "is_active", "pinned", "temporary", "instructions", "tools",
    "active_leaf_id", "created_at", "updated_at",
}  # fmt: skip


async def _all_pages(person: Person, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor = ""
    while True:
        page = (await person.get(f"/sessions?limit={limit}{cursor}")).json
        pages.append([chat["id"] for chat in page["items"]])
        if page["next_cursor"] is None:
            return pages
        cursor = f"&cursor={page['next_cursor']}"


async def _age(stack: Stack, chat: str, column: str, interval: str) -> None:
    statement = f"UPDATE chat_sessions SET {column} = now() - interval '{interval}' WHERE id::text = :id"  # noqa: S608
    await as_owner(stack.resources.settings, statement, id=chat)


async def test_a_new_chat_is_empty(person: Person) -> None:
    ways: list[dict[str, Any]] = [{"json": {}}, {}]
    for options in ways:
        reply = await person.ask("POST", "/sessions", **options)
        assert reply.status == 201
        assert reply.json.keys() == FIELDS
        assert (reply.json["title"], reply.json["is_active"], reply.json["active_leaf_id"]) == ("", True, None)
        assert await person.messages(reply.json["id"]) == []


async def test_a_new_chat_has_the_requested_fields(person: Person) -> None:
    asked = {
        "title": "여행 계획",
        "model_type": "openai",
        "model_name": "echo",
        "temporary": True,
        "instructions": "짧게",
    }
    chat = await person.chat(**asked)
    found = (await person.get(f"/sessions/{chat}")).json
    assert {name: found[name] for name in asked} == asked
    assert found["created_at"].endswith("Z")


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_are_complete_when_chats_have_equal_times(person: Person, stack: Stack, limit: int) -> None:
    made = await asyncio.gather(*(person.chat() for _ in range(12)))
    same = "UPDATE chat_sessions SET updated_at = '2026-01-01T00:00:00.123456Z' WHERE id::text = ANY(:ids)"
    await as_owner(stack.resources.settings, same, ids=list(made)[:9])
    pages = await _all_pages(person, limit)
    assert {len(page) for page in pages[:-1]} <= {limit}
    listed = [chat for page in pages for chat in page]
    assert sorted(listed) == sorted(made)
    assert (await _all_pages(person, 100))[0] == listed
    assert set(listed[3:]) == set(made[:9])


async def test_a_new_chat_between_two_pages_changes_neither(person: Person) -> None:
    made = [await person.chat() for _ in range(4)]
    first = (await person.get("/sessions?limit=2")).json
    await person.chat()
    second = (await person.get(f"/sessions?limit=2&cursor={first['next_cursor']}")).json
    assert [chat["id"] for chat in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


async def test_a_message_moves_a_chat_up_and_a_change_does_not(person: Person, upstream: Upstream) -> None:
    old, new = await person.chat(), await person.chat()
    await person.ask("PATCH", f"/sessions/{old}", json={"title": "renamed", "pinned": True})
    assert await _all_pages(person, 50) == [[new, old]]
    await person.send(old, "hi", model="echo")
    assert await _all_pages(person, 50) == [[old, new]]


async def test_a_change_touches_only_what_it_names(person: Person) -> None:
    chat = await person.chat(title="before", instructions="짧게")
    for change in ({}, {"title": "after"}, {"pinned": True}, {"model_name": "echo"}, {"instructions": None}):
        before: dict[str, Any] = (await person.get(f"/sessions/{chat}")).json
        reply = await person.ask("PATCH", f"/sessions/{chat}", json=change)
        assert (reply.status, reply.json) == (200, before | change)


async def test_a_deleted_chat_can_be_restored(person: Person, upstream: Upstream) -> None:
    chat = await person.chat()
    await person.send(chat, "hi", model="echo")
    before = (await person.get(f"/sessions/{chat}")).json
    assert (await person.ask("DELETE", f"/sessions/{chat}")).status == 204
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/messages"), ("POST", "/messages")):
        body = {"content": "hi"} if method == "POST" else {}
        reply = await person.ask(method, f"/sessions/{chat}{path}", json=None if method == "GET" else body)
        assert (reply.status, reply.code) == (404, "session.not_found")
    assert await _all_pages(person, 50) == [[]]
    for _ in range(2):
        reply = await person.post(f"/sessions/{chat}/restore")
        assert (reply.status, reply.json) == (200, before)
    assert [message["content"] for message in await person.messages(chat)] == ["hi", "hi"]


async def test_after_ten_minutes_a_chat_can_not_be_restored(person: Person, stack: Stack) -> None:
    late, early = await person.chat(), await person.chat()
    for chat, age in ((late, "601 seconds"), (early, "590 seconds")):
        await person.ask("DELETE", f"/sessions/{chat}")
        await _age(stack, chat, "deleted_at", age)
    reply = await person.post(f"/sessions/{late}/restore")
    assert (reply.status, reply.code) == (404, "session.not_found")
    assert (await person.post(f"/sessions/{early}/restore")).status == 200


async def test_a_purge_deletes_a_chat_with_its_messages_and_runs(
    person: Person, upstream: Upstream, stack: Stack
) -> None:
    purged, deleted, kept = [await person.chat() for _ in range(3)]
    for chat in (purged, deleted, kept):
        await person.send(chat, "hi", model="echo")
    for chat in (purged, deleted):
        await person.ask("DELETE", f"/sessions/{chat}")
    await _age(stack, purged, "deleted_at", "601 seconds")
    resources = stack.resources
    await Reaper(resources.database, resources.state, every_seconds=5).clean_up()
    left = "SELECT (SELECT count(*) FROM {}  WHERE {}::text = :id)"
    for table, column in (("chat_sessions", "id"), ("messages", "session_id"), ("runs", "session_id")):
        counts = [
            (await as_owner(resources.settings, left.format(table, column), id=chat))[0][0]
            for chat in (purged, deleted, kept)
        ]
        assert counts[0] == 0 < min(counts[1:]), table
    assert (await person.post(f"/sessions/{deleted}/restore")).status == 200


async def test_a_temporary_chat_is_deleted_a_day_after_its_last_use(person: Person, stack: Stack) -> None:
    old, new = [await person.chat(temporary=True) for _ in range(2)]
    kept = await person.chat()
    for chat in (old, kept):
        await _age(stack, chat, "updated_at", "25 hours")
    resources = stack.resources
    await Reaper(resources.database, resources.state, every_seconds=5).clean_up()
    statuses = [(await person.get(f"/sessions/{chat}")).status for chat in (old, new, kept)]
    assert statuses == [404, 200, 200]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "/messages"), ("POST", "/messages"),
    ],
)  # fmt: skip
async def test_a_chat_of_another_owner_is_not_found(person: Person, other: Person, method: str, path: str) -> None:
    chat = await person.chat(title="mine")
    body = {"content": "hi"} if path == "/messages" else {"title": "theirs"}
    for target in (chat, str(uuid4())):
        reply = await other.ask(method, f"/sessions/{target}{path}", json=None if method == "GET" else body)
        assert (reply.status, reply.code) == (404, "session.not_found")
    assert (await person.get(f"/sessions/{chat}")).json["title"] == "mine"
    assert await person.messages(chat) == []


async def test_a_cursor_of_another_owner_lists_only_own_chats(person: Person, other: Person) -> None:
    for _ in range(3):
        await person.chat()
    mine = await other.chat()
    cursor = (await person.get("/sessions?limit=1")).json["next_cursor"]
    assert {chat["id"] for chat in (await other.get(f"/sessions?cursor={cursor}")).json["items"]} <= {mine}
