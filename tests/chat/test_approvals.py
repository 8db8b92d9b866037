"""A tool that writes needs approval: once, always in this chat, or not at all."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from basechat.chat.runs.reap import Reaper
from tests.support.databases import as_owner
from tests.support.person import Event, Person, Reply, text_of
from tests.support.stack import Stack
from tests.support.waiting import until
from tests.upstream import Call, Say, Upstream

DONE = (Say(("Done.",)),)


def _remember(upstream: Upstream, *notes: str) -> None:
    upstream.script_turns("tokens-50", tuple(Call("remember", {"content": note}) for note in notes), DONE)


async def _ask(person: Person, chat: str) -> tuple[str, list[Event]]:
    """Send a message; returns its run and the events until the run waits."""
    seen = []
    async with person.stream("POST", f"/sessions/{chat}/messages", {"content": "?", "model": "tokens-50"}) as events:
        async for event in events:
            seen.append(event)
            if event.event == "tool.approval":
                break
    run = seen[0].data["run"]["id"]
    await _until_status(person, run, "waiting")
    return run, seen


async def _until_status(person: Person, run: str, status: str) -> dict[str, Any]:
    async def holds() -> bool:
        return bool((await person.get(f"/runs/{run}")).json["status"] == status)

    await until(holds)
    return (await person.get(f"/runs/{run}")).json  # type: ignore[no-any-return]


async def _answer(person: Person, run: str, call_id: str, decision: str, **fields: Any) -> Reply:
    return await person.post(f"/runs/{run}/approvals", {"call_id": call_id, "decision": decision, **fields})


async def _rest(person: Person, run: str, last_id: str | None = None) -> list[Event]:
    headers = {"last_event_id": last_id} if last_id else {}
    async with person.stream("GET", f"/runs/{run}/events", **headers) as events, asyncio.timeout(10):
        return [event async for event in events]


async def _notes(stack: Stack, person: Person) -> list[str]:
    rows = await as_owner(
        stack.resources.settings,
        "SELECT content FROM notes WHERE owner_id::text = :id ORDER BY id",
        id=person.user["id"],
    )
    return [row[0] for row in rows]


async def test_a_run_waits_for_approval_and_continues(stack: Stack, person: Person, upstream: Upstream) -> None:
    upstream.script_turns("tokens-50", (Say(("One moment.",)), Call("remember", {"content": "likes tea"})), DONE)
    chat = await person.chat()
    run, seen = await _ask(person, chat)
    asked = seen[-1].data
    assert (asked["name"], asked["title"], asked["server"]) == ("remember", "Remember", "basechat")
    assert asked["arguments"] == {"content": "likes tea"}
    assert "content" in asked["input_schema"]["properties"]
    waiting = await _until_status(person, run, "waiting")
    assert waiting["approvals"] == [asked]
    answer = (await person.messages(chat))[-1]
    assert (answer["run"], answer["content"]) == (waiting, "One moment.")
    held = "SELECT worker, lease_until FROM runs WHERE id::text = :run"
    assert await as_owner(stack.resources.settings, held, run=run) == [(None, None)]
    assert await _notes(stack, person) == []

    reply = await _answer(person, run, asked["call_id"], "once")
    assert (reply.status, reply.json["approvals"]) == (202, [])
    events = [*seen, *await _rest(person, run, seen[-1].id)]
    assert text_of(events) == "One moment.\n\nDone."
    assert events[-1].data["message"]["run"]["attempt"] == 2
    assert await _notes(stack, person) == ["likes tea"]
    assert len(upstream.completions) == 2


async def test_a_denied_call_is_not_made(stack: Stack, person: Person, upstream: Upstream) -> None:
    _remember(upstream, "a secret")
    run, seen = await _ask(person, await person.chat())
    await _answer(person, run, seen[-1].data["call_id"], "deny")
    events = await _rest(person, run)
    result = next(event.data for event in events if event.event == "tool.result")
    assert (result["ok"], "did not allow" in result["preview"]) == (False, True)
    assert "did not allow" in upstream.completions[-1].messages[-1]["content"]
    (call,) = events[-1].data["message"]["meta_info"]["tool_calls"]
    assert (call["status"], call["ok"]) == ("denied", False)
    assert await _notes(stack, person) == []


async def test_always_in_this_chat_approves_later_calls(stack: Stack, person: Person, upstream: Upstream) -> None:
    _remember(upstream, "one", "two")
    chat = await person.chat()
    run, seen = await _ask(person, chat)
    await _answer(person, run, seen[-1].data["call_id"], "chat")
    assert (await _rest(person, run))[-1].event == "message.completed"
    _remember(upstream, "three")
    assert "tool.approval" not in [event.event for event in await person.send(chat, "?", model="tokens-50")]
    assert sorted(await _notes(stack, person)) == ["one", "three", "two"]
    _remember(upstream, "four")
    run, _ = await _ask(person, await person.chat())
    assert (await person.post(f"/runs/{run}/cancel")).status == 202


async def test_each_call_needs_its_own_approval(stack: Stack, person: Person, upstream: Upstream) -> None:
    _remember(upstream, "one", "two")
    run, _ = await _ask(person, await person.chat())
    first, second = (await _until_status(person, run, "waiting"))["approvals"]
    reply = await _answer(person, run, second["call_id"], "once")
    assert (reply.json["status"], reply.json["approvals"]) == ("waiting", [first])
    await _answer(person, run, first["call_id"], "deny")
    assert (await _rest(person, run))[-1].event == "message.completed"
    assert await _notes(stack, person) == ["two"]


async def test_arguments_can_be_changed(stack: Stack, person: Person, upstream: Upstream) -> None:
    _remember(upstream, "likes coffee")
    run, seen = await _ask(person, await person.chat())
    call_id = seen[-1].data["call_id"]
    unfit = ({"content": "\x00"}, {"content": "\ud800"}, {"content": 2**70})
    for wrong in ({"content": 7}, {"content": ""}, {}, {"content": "x" * 300_000}, *unfit):
        reply = await _answer(person, run, call_id, "once", arguments=wrong)
        assert (reply.status, reply.code) == (422, "call.arguments")
        assert reply.json["errors"][0]["field"].startswith("arguments")
    await _answer(person, run, call_id, "once", arguments={"content": "likes tea"})
    events = await _rest(person, run)
    (call,) = events[-1].data["message"]["meta_info"]["tool_calls"]
    assert call["arguments"] == {"content": "likes tea"}
    assert 'changed the arguments of this call to {"content":"likes tea"}' in str(upstream.completions[-1].messages)
    assert await _notes(stack, person) == ["likes tea"]


async def test_a_call_of_another_owner_or_run_can_not_be_approved(
    person: Person, other: Person, upstream: Upstream
) -> None:
    _remember(upstream, "one")
    run, seen = await _ask(person, await person.chat())
    call_id = seen[-1].data["call_id"]
    assert (await _answer(person, run, "call_of_nobody", "once")).code == "call.not_found"
    assert (await _answer(person, str(uuid4()), call_id, "once")).code == "run.not_found"
    assert (await _answer(other, run, call_id, "once")).code == "run.not_found"
    assert (await _answer(person, run, call_id, "perhaps")).code == "request.invalid"
    assert (await _answer(person, run, call_id, "deny")).status == 202
    assert (await _answer(person, run, call_id, "once")).code == "call.decided"
    await _rest(person, run)


async def test_two_decisions_at_once_count_once(stack: Stack, person: Person, upstream: Upstream) -> None:
    _remember(upstream, "one")
    run, seen = await _ask(person, await person.chat())
    call_id = seen[-1].data["call_id"]
    replies = await asyncio.gather(*(_answer(person, run, call_id, "once") for _ in range(5)))
    assert sorted(reply.status for reply in replies) == [202, 409, 409, 409, 409]
    await _rest(person, run)
    assert await _notes(stack, person) == ["one"]


async def test_a_waiting_run_is_cancelled_at_once(stack: Stack, person: Person, upstream: Upstream) -> None:
    upstream.script_turns("tokens-50", (Say(("Well,",)), Call("remember", {"content": "one"})), DONE)
    chat = await person.chat()
    run, seen = await _ask(person, chat)
    assert (await person.post(f"/runs/{run}/cancel")).json["status"] == "cancelled"
    events = await _rest(person, run, seen[-1].id)
    assert events[-1].event == "run.cancelled"
    answer = (await person.messages(chat))[-1]
    assert answer == events[-1].data["message"]
    assert answer["content"] == "Well,"
    assert [call["status"] for call in answer["meta_info"]["tool_calls"]] == ["proposed"]
    reply = await _answer(person, run, seen[-1].data["call_id"], "once")
    assert reply.code == "call.decided"
    assert await _notes(stack, person) == []


async def test_a_later_viewer_receives_the_pending_approval(stack: Stack, person: Person, upstream: Upstream) -> None:
    upstream.script_turns("tokens-50", (Say(("Well,",)), Call("remember", {"content": "one"})), DONE)
    run, seen = await _ask(person, await person.chat())
    await stack.resources.state.delete(f"run:{run}:events")
    async with person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(10):
        late = [await anext(events), await anext(events)]
        assert [event.event for event in late] == ["message.reset", "tool.approval"]
        assert late[1].data == seen[-1].data
        await _answer(person, run, late[1].data["call_id"], "once")
        late += [event async for event in events]
    assert text_of(late) == "Well,\n\nDone."


async def test_a_call_without_a_decision_is_denied(stack: Stack, person: Person, upstream: Upstream) -> None:
    _remember(upstream, "one")
    run, _ = await _ask(person, await person.chat())
    late = "UPDATE tool_calls SET expires_at = now() WHERE run_id::text = :run"
    await as_owner(stack.resources.settings, late, run=run)
    await Reaper(stack.resources.database, stack.resources.state, every_seconds=60).repair()
    events = await _rest(person, run)
    assert events[-1].event == "message.completed"
    assert "within 24 hours" in upstream.completions[-1].messages[-1]["content"]
    assert await _notes(stack, person) == []


async def test_the_reaper_skips_runs_that_are_being_decided(stack: Stack, person: Person, upstream: Upstream) -> None:
    _remember(upstream, "one")
    run, seen = await _ask(person, await person.chat())
    late = "UPDATE tool_calls SET expires_at = now() WHERE run_id::text = :run"
    reaper = Reaper(stack.resources.database, stack.resources.state, every_seconds=60)
    async with stack.resources.database.system_transaction() as answering, asyncio.timeout(10):
        await answering.execute(text("SELECT FROM runs WHERE id::text = :run FOR UPDATE"), {"run": run})
        await as_owner(stack.resources.settings, late, run=run)  # locked first: the stack has a reaper too
        await reaper.repair()
        deny = "UPDATE tool_calls SET call_id = call_id WHERE run_id::text = :run AND status = 'proposed' RETURNING 1"
        assert await answering.scalar(text(deny), {"run": run}) == 1
    await reaper.repair()
    assert (await _rest(person, run, seen[-1].id))[-1].event == "message.completed"


@pytest.mark.parametrize("queued", [True, False])
async def test_a_waiting_run_keeps_its_branch(person: Person, upstream: Upstream, queued: bool) -> None:
    _remember(upstream, "one")
    chat = await person.chat()
    run, seen = await _ask(person, chat)
    body = {"content": "and?", "model": "echo"} | ({"when_busy": "queue"} if queued else {})
    reply = await person.post(f"/sessions/{chat}/messages", body)
    if not queued:
        assert reply.code == "run.active"
    await _answer(person, run, seen[-1].data["call_id"], "deny")
    await _rest(person, run)
    if queued:
        assert text_of(await _rest(person, reply.json["run"]["id"])) == "and?"
