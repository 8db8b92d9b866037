"""Tools of servers that a person added: offered, approved, called, and reported as failed when they are away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from tests.peers import Peer, running_peer
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.person import Event, Person, text_of
from tests.support.stack import Servers, Stack
from tests.upstream import Call, Say, Script, Stall, Upstream

DONE: Script = (Say(("Done.",)),)


@pytest.fixture(scope="module")
async def quiet(servers: Servers, stack: Stack) -> AsyncIterator[Quiet]:
    """A stack that allows servers in private networks."""
    state = stack.resources.settings.state_redis_url.replace("db=0", "db=3")
    names = {"redis_state_url": state, "mcp_allow_private": True}
    async with quiet_stack(servers, stack.upstream, **names) as running, running.worker():
        yield running
        await running.resources.state.flushdb()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """The tool server of a person."""
    async with running_peer() as running:
        yield running


async def _add(person: Person, name: str, url: str) -> dict[str, Any]:
    reply = await person.post("/mcp-servers", {"name": name, "url": url})
    assert reply.status == 201, reply.body
    return reply.json  # type: ignore[no-any-return]


async def _remove(person: Person, server: dict[str, Any]) -> None:
    assert (await person.ask("DELETE", f"/mcp-servers/{server['id']}")).status == 204


async def _send(quiet: Quiet, chat: str, upstream: Upstream, *scripts: Script) -> list[Event]:
    upstream.next_answers(*scripts)
    return await quiet.person.send(chat, "?", model="echo")


def _result(events: list[Event]) -> dict[str, Any]:
    return next(event.data for event in events if event.event == "tool.result")


async def _answer_approval(person: Person, chat: str, answer: Callable[[str, str], Awaitable[None]]) -> list[Event]:
    """Send a message and decide about its pending calls at once; returns all events."""
    seen: list[Event] = []
    body = {"content": "?", "model": "echo"}
    async with person.stream("POST", f"/sessions/{chat}/messages", body) as events, asyncio.timeout(20):
        async for event in events:
            seen.append(event)
            if event.event == "tool.approval":
                await answer(seen[0].data["run"]["id"], event.data["call_id"])
    return seen


async def test_a_tool_of_another_server_is_called(quiet: Quiet, peer: Peer, upstream: Upstream) -> None:
    server = await _add(quiet.person, "peer", peer.url)
    chat = await quiet.person.chat(tools=["peer"])
    events = await _send(quiet, chat, upstream, (Call("peer__add", {"a": 2, "b": 3}),), DONE)
    call = next(event.data for event in events if event.event == "tool.call")
    assert (call["title"], call["server"]) == ("The tool add", "peer")
    assert (_result(events)["ok"], _result(events)["preview"]) == (True, "5")
    assert text_of(events) == "Done."
    assert all(name.startswith("peer__") for name in upstream.completions[-1].tools)
    await _remove(quiet.person, server)


async def test_a_single_tool_can_be_on(quiet: Quiet, peer: Peer, upstream: Upstream) -> None:
    server = await _add(quiet.person, "peer", peer.url)
    chat = await quiet.person.chat(tools=["calculate", "peer__clock"])
    await _send(quiet, chat, upstream, DONE)
    assert upstream.completions[-1].tools == ["calculate", "peer__clock"]
    await quiet.person.ask("PATCH", f"/mcp-servers/{server['id']}", json={"is_enabled": False})
    await _send(quiet, chat, upstream, DONE)
    assert upstream.completions[-1].tools == ["calculate"]
    await _remove(quiet.person, server)


async def test_a_tool_that_writes_needs_approval_and_is_called_once(
    quiet: Quiet, peer: Peer, upstream: Upstream
) -> None:
    person = quiet.person
    server = await _add(person, "peer", peer.url)
    chat = await person.chat(tools=["peer"])
    upstream.next_answers((Call("peer__write", {"text": "hello"}),), DONE)

    async def allow(run: str, call_id: str) -> None:
        assert "tools/call" not in peer.methods()
        body = {"call_id": call_id, "decision": "once", "arguments": {"text": "goodbye"}}
        assert (await person.post(f"/runs/{run}/approvals", body)).status == 202

    seen = await _answer_approval(person, chat, allow)
    assert seen[-1].event == "message.completed"
    assert _result(seen)["preview"] == "wrote goodbye"
    assert peer.methods().count("tools/call") == 1
    await _remove(person, server)


async def test_a_call_of_an_unreachable_server_fails_visibly(quiet: Quiet, upstream: Upstream) -> None:
    async with running_peer() as peer:
        server = await _add(quiet.person, "peer", peer.url)
    chat = await quiet.person.chat(tools=["peer"])
    events = await _send(quiet, chat, upstream, (Call("peer__clock", {}),), DONE)
    assert (_result(events)["ok"], "server.unreachable" in _result(events)["preview"]) == (False, True)
    assert text_of(events) == "Done."
    assert events[-1].event == "message.completed"
    await _remove(quiet.person, server)


async def test_a_server_without_a_tool_list_is_reported(quiet: Quiet, upstream: Upstream) -> None:
    async with running_peer() as peer:
        url = peer.url
    server = await _add(quiet.person, "silent", url)
    assert server["error"]
    chat = await quiet.person.chat(tools=["basechat", "silent"])
    events = await _send(quiet, chat, upstream, DONE)
    call = next(event.data for event in events if event.event == "tool.call")
    assert (call["server"], call["name"]) == ("silent", "silent")
    assert (_result(events)["ok"], "server.unreachable" in _result(events)["preview"]) == (False, True)
    (stored,) = events[-1].data["message"]["meta_info"]["tool_calls"]
    assert (stored["server"], stored["ok"]) == ("silent", False)
    await _remove(quiet.person, server)


async def test_a_call_is_still_known_without_its_server(quiet: Quiet, upstream: Upstream) -> None:
    person, tools, held = quiet.person, MCPServer("Peer"), asyncio.Event()

    async def hold() -> str:
        """Never return."""
        held.set()
        await asyncio.Event().wait()
        return "never"

    tools.add_tool(hold, title="Hold")
    async with running_peer(tools) as peer:
        server = await _add(person, "peer", peer.url)
        chat = await person.chat(tools=["peer"])
        upstream.next_answers((Call("peer__hold", {}),), DONE)
        path = f"/sessions/{chat}/messages"
        async with person.stream("POST", path, {"content": "?", "model": "echo"}) as events, asyncio.timeout(20):
            run = (await anext(events)).data["run"]["id"]
            while (event := await anext(events)).event != "tool.approval":
                pass
            body = {"call_id": event.data["call_id"], "decision": "once"}
            assert (await person.post(f"/runs/{run}/approvals", body)).status == 202
            await held.wait()
            await _remove(person, server)
            lose = "UPDATE runs SET lease_until = now() - interval '1 second' WHERE id::text = :run"
            await as_owner(quiet.settings, lose, run=run)
            rest = [event async for event in events]
    assert rest[-1].event == "message.completed"
    assert _result(rest)["preview"].startswith("tool.outcome_unknown")


async def test_a_silent_server_is_reported_once_after_a_crash(quiet: Quiet, upstream: Upstream) -> None:
    person = quiet.person
    async with running_peer() as peer:
        url = peer.url
    server = await _add(person, "silent", url)
    chat = await person.chat(tools=["silent"])
    upstream.next_answers((Say(("Half",)), Stall()), DONE)
    path = f"/sessions/{chat}/messages"
    async with person.stream("POST", path, {"content": "?", "model": "echo"}) as events, asyncio.timeout(20):
        run = (await anext(events)).data["run"]["id"]
        while (await anext(events)).event != "message.delta":
            pass
        lose = "UPDATE runs SET lease_until = now() - interval '1 second' WHERE id::text = :run"
        await as_owner(quiet.settings, lose, run=run)
        message = [event async for event in events][-1].data["message"]
    assert (message["content"], message["run"]["attempt"]) == ("Done.", 2)
    assert [call["server"] for call in message["meta_info"]["tool_calls"]] == ["silent"]
    await _remove(person, server)


async def test_an_approved_tool_that_is_gone_is_not_called(quiet: Quiet, peer: Peer, upstream: Upstream) -> None:
    person = quiet.person
    server = await _add(person, "peer", peer.url)
    chat = await person.chat(tools=["peer"])
    upstream.next_answers((Call("peer__write", {"text": "hello"}),), DONE)

    async def remove_and_allow(run: str, call_id: str) -> None:
        await _remove(person, server)
        body = {"call_id": call_id, "decision": "chat"}
        assert (await person.post(f"/runs/{run}/approvals", body)).status == 202

    seen = await _answer_approval(person, chat, remove_and_allow)
    assert "tool.not_found" in _result(seen)["preview"]
    assert seen[-1].event == "message.completed"
    assert "tools/call" not in peer.methods()
