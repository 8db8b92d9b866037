"""A page takes a constant number of statements, each on an index, for any amount of rows."""

import re

import pytest

from basechat.kit.config import Settings
from tests.conftest import register
from tests.support.databases import as_owner
from tests.support.own import quiet_stack
from tests.support.person import Person
from tests.support.plans import explain, statements
from tests.support.stack import Servers, Stack

_CHATS = """
    INSERT INTO chat_sessions (id, user_id, updated_at)
    SELECT gen_random_uuid(), u.id, now() - n * interval '1 second' FROM users u, generate_series(1, :each) n
    WHERE u.id::text = ANY(:owners)
"""
# One branch of messages for a chat: each the child of the one before, every second one an answer with its run.
_BRANCH = """
    WITH ids AS MATERIALIZED (SELECT n, gen_random_uuid() AS id FROM generate_series(1, :count) n), m AS (
        INSERT INTO messages (id, session_id, owner_id, parent_id, branch_id, role, content)
        SELECT ids.id, c.id, c.user_id, p.id, c.id, CASE ids.n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'm' || ids.n
        FROM chat_sessions c CROSS JOIN ids LEFT JOIN ids p ON p.n = ids.n - 1 WHERE c.id::text = :chat
    ), r AS (
        INSERT INTO runs (id, session_id, owner_id, branch_id, user_message_id, message_id, status)
        SELECT gen_random_uuid(), c.id, c.user_id, c.id, p.id, ids.id, 'completed'
        FROM chat_sessions c CROSS JOIN ids JOIN ids p ON p.n = ids.n - 1 WHERE c.id::text = :chat AND ids.n % 2 = 0
    )
    UPDATE chat_sessions SET active_leaf_id = (SELECT id FROM ids WHERE n = :count), active_branch_id = id
    WHERE id::text = :chat
"""

_CROWD = """
    WITH u AS (
        INSERT INTO users (id, username, email, password_hash)
        SELECT id, id, id || '@x.org', '' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 1000)) AS ids
        RETURNING id
    ), c AS (INSERT INTO chat_sessions (id, user_id) SELECT id, id FROM u)
    INSERT INTO messages (id, session_id, owner_id, branch_id, role, content)
    SELECT gen_random_uuid(), id, id, id, 'user', 'hi' FROM u, generate_series(1, 3)
"""


async def _long_chat(person: Person, settings: Settings, count: int) -> str:
    chat = await person.chat()
    await as_owner(settings, _BRANCH, chat=chat, count=count)
    return chat


async def test_a_page_of_chats_takes_as_many_statements_for_100_as_for_1(person: Person, stack: Stack) -> None:
    counts = []
    for more in (1, 99):
        await as_owner(stack.resources.settings, _CHATS, owners=[person.user["id"]], each=more)
        with statements(stack.resources.database.people) as seen:
            page = await person.get("/sessions?limit=100")
        counts.append((len(page.json["items"]), len(seen)))
    assert counts == [(1, 2), (100, 2)]  # one of the two names the owner


async def test_a_page_of_messages_takes_as_many_statements_for_100_as_for_2(person: Person, stack: Stack) -> None:
    counts = []
    for length in (2, 100):
        chat = await _long_chat(person, stack.resources.settings, length)
        with statements(stack.resources.database.people) as seen:
            page = await person.get(f"/sessions/{chat}/messages?limit=100")
        counts.append((len(page.json["items"]), len(seen)))
    assert counts == [(2, 2), (100, 2)]


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_pages_walk_a_long_branch_completely(person: Person, stack: Stack, limit: int) -> None:
    chat = await _long_chat(person, stack.resources.settings, 250)
    walked: list[str] = []
    query = f"limit={limit}"
    while True:
        page = (await person.get(f"/sessions/{chat}/messages?{query}")).json
        assert len(page["items"]) == limit or page["next_cursor"] is None
        walked[:0] = [message["content"] for message in page["items"]]
        if page["next_cursor"] is None:
            break
        assert page["next_cursor"] == page["items"][0]["id"]
        query = f"limit={limit}&before={page['next_cursor']}"
    assert walked == [f"m{n}" for n in range(1, 251)]


async def test_a_page_ends_where_another_chat_begins(person: Person, other: Person, stack: Stack) -> None:
    mine, theirs = (
        await _long_chat(person, stack.resources.settings, 4),
        await _long_chat(other, stack.resources.settings, 4),
    )
    also_mine = await _long_chat(person, stack.resources.settings, 4)
    for whose, chat in ((other, theirs), (person, also_mine)):
        before = (await whose.messages(chat))[-1]["id"]
        page = await person.get(f"/sessions/{mine}/messages?before={before}")
        assert (page.status, page.json) == (200, {"items": [], "next_cursor": None})


@pytest.mark.parametrize("others", ["have as much", "have little"])
async def test_pages_use_indexes(servers: Servers, stack: Stack, others: str) -> None:
    """The plan must be good for people with many rows, not only for the average."""
    async with quiet_stack(servers, stack.upstream) as quiet:
        settings, database, person = quiet.settings, quiet.resources.database.people, quiet.person
        if others == "have little":
            await as_owner(settings, _CROWD)
        other = await register(Person(person.http))
        await as_owner(settings, _CHATS, owners=[person.user["id"], other.user["id"]], each=1500)
        chat = [await _long_chat(each, settings, 1500) for each in (other, person)][1]
        cursor = (await person.get("/sessions?limit=20")).json["next_cursor"]
        before = (await person.messages(chat))[0]["id"]
        await as_owner(settings, "ANALYZE")
        chats, messages = "/sessions", f"/sessions/{chat}/messages"
        for path in (chats, f"{chats}?cursor={cursor}", messages, f"{messages}?before={before}"):
            with statements(database) as seen:
                assert (await person.get(path)).json["items"]
            plan = await explain(database, *seen)
            assert "Index" in plan
            assert not re.search(r"Seq Scan on (chat_sessions|messages|runs)\b", plan), f"{path}\n{plan}"
            assert not re.search(r"ix_messages_owner_id|ix_runs_owner|Bitmap", plan), f"{path}\n{plan}"
            assert "Sort" not in plan or path.startswith(messages), plan
