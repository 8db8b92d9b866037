"""Scripted runs: each plays one course of a run and gives the bytes that its viewers received."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from tests.recordings import tape
from tests.support.databases import as_owner
from tests.support.person import Person
from tests.support.stack import Stack
from tests.support.waiting import until
from tests.upstream import Call, Cut, Fail, Say, Stall, Upstream

HALF = (Say(("Half an ", "ans")), Stall())
SIX_TIMES_SEVEN = Call("calculate", {"expression": "6 * 7"})
REMEMBER = Call("remember", {"content": "Likes green tea."})
DONE = (Say(("Done", ".")),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A person whose model is scripted."""

    stack: Stack
    person: Person
    upstream: Upstream

    async def send(self, chat: str, content: str, **fields: Any) -> bytes:
        """Send a message and watch its run to the end."""
        return await self.post(f"/sessions/{chat}/messages", {"content": content, "model": "echo", **fields})

    async def post(self, path: str, body: dict[str, Any]) -> bytes:
        """Start a run and watch it to the end."""
        async with self.streamed("POST", path, json=body) as response:
            return await tape.read(response)

    async def watch(self, run: str, **headers: str) -> bytes:
        """Watch a run to its end."""
        async with self.streamed("GET", f"/runs/{run}/events", headers=headers) as response:
            return await tape.read(response)

    async def start(self, chat: str, content: str, **fields: Any) -> str:
        """Send a message without watching; gives the run."""
        body = {"content": content, "model": "echo", **fields}
        reply = await self.person.post(f"/sessions/{chat}/messages", body)
        run: str = reply.json["run"]["id"]
        return run

    async def answer_of(self, chat: str) -> str:
        """The id of a chat's newest answer."""
        message: str = (await self.person.messages(chat))[-1]["id"]
        return message

    async def until_text(self, run: str, text: str) -> None:
        """Wait until viewers have the text."""
        async with self.streamed("GET", f"/runs/{run}/events") as response:
            seen = ""
            async for line in response.content:
                if line.startswith(b'data: {"text":'):
                    seen += orjson.loads(line.removeprefix(b"data: "))["text"]
                if seen == text:
                    return

    async def send_and_decide(self, chat: str, content: str, decision: str) -> bytes:
        """Send a message and watch its run to the end; decide about its call of a tool as soon as the run waits."""
        body = {"content": content, "model": "echo"}
        async with self.streamed("POST", f"/sessions/{chat}/messages", json=body) as response:
            run, seen = response.headers["location"].removeprefix("/api"), b""
            while b"event: tool.approval" not in seen:
                seen += await response.content.readuntil(b"\n\n")

            async def waits() -> bool:
                return bool((await self.person.get(run)).json["status"] == "waiting")

            await until(waits)
            answer = {"call_id": orjson.loads(seen.rsplit(b"data: ", 1)[1])["call_id"], "decision": decision}
            assert (await self.person.post(f"{run}/approvals", answer)).status == 202
            return tape.head(response) + seen + await response.read()

    @asynccontextmanager
    async def streamed(
        self, method: str, path: str, *, json: Any = None, headers: dict[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make a request whose answer is an event stream."""
        person = self.person
        sent = {"authorization": f"Bearer {person.token}", "accept": "text/event-stream", **(headers or {})}
        url = f"{person.base}{path}"
        async with asyncio.timeout(20), person.http.request(method, url, json=json, headers=sent) as response:
            yield response


async def plain_answer(player: Player) -> bytes:
    return await player.send(await player.person.chat(), "Tell me about green tea.")


async def korean_answer(player: Player) -> bytes:
    return await player.send(await player.person.chat(), "녹차에 대해 알려 줘.", model="korean")


async def answer_from_the_cache(player: Player) -> bytes:
    chats = [await player.person.chat(), await player.person.chat()]
    return b"".join([await player.send(chat, "What is black tea?", temperature=0) for chat in chats])


async def tool_call(player: Player) -> bytes:
    player.upstream.next_answers((Say(("Let me see.",)), SIX_TIMES_SEVEN), (Say(("It is ", "42.")),))
    return await player.send(await player.person.chat(), "What is 6 * 7?")


async def tool_call_with_approval(player: Player) -> bytes:
    return await _approved(player, "once")


async def tool_call_that_is_denied(player: Player) -> bytes:
    return await _approved(player, "deny")


async def _approved(player: Player, decision: str) -> bytes:
    player.upstream.next_answers((Say(("One moment.",)), REMEMBER), DONE)
    return await player.send_and_decide(await player.person.chat(), "I like green tea.", decision)


async def cancel(player: Player) -> bytes:
    player.upstream.next_answers(HALF)
    run = await player.start(await player.person.chat(), "hi")
    watching = asyncio.create_task(player.watch(run))
    await player.until_text(run, "Half an ans")
    assert (await player.person.post(f"/runs/{run}/cancel")).status == 202
    return await watching


async def provider_error(player: Player) -> bytes:
    player.upstream.script("echo", Fail(429, None, "Slow down, please.", retry_after=3))
    return await player.send(await player.person.chat(), "hi")


async def cut_answer(player: Player) -> bytes:
    player.upstream.script("echo", Say(("Half an ", "ans")), Cut())
    return await player.send(await player.person.chat(), "hi")


async def cut_and_retried_answer(player: Player) -> bytes:
    player.upstream.next_answers((Say(("Half an ", "ans")), Cut()), (Say(("The whole ", "answer.")),))
    return await player.send(await player.person.chat(), "hi")


async def takeover(player: Player) -> bytes:
    player.upstream.next_answers(HALF, (Say(("The whole ", "answer.")),))
    run = await player.start(await player.person.chat(), "hi")
    watching = asyncio.create_task(player.watch(run))
    await player.until_text(run, "Half an ans")
    lose = "UPDATE runs SET lease_until = now() - interval '1 second' WHERE id::text = :run AND attempt = 1"

    async def is_taken_over() -> bool:
        await as_owner(player.stack.resources.settings, lose, run=run)  # the worker that lives renews the lease
        return bool((await player.person.get(f"/runs/{run}")).json["attempt"] == 2)

    await until(is_taken_over)
    return await watching


async def regenerate(player: Player) -> bytes:
    player.upstream.next_answers((Say(("First.",)),), (Say(("Second.",)),))
    chat = await player.person.chat()
    first = await player.send(chat, "Name a number.")
    return first + await player.post(f"/messages/{await player.answer_of(chat)}/regenerate", {})


async def queued_message(player: Player) -> bytes:
    player.upstream.next_answers(HALF)
    chat = await player.person.chat()
    run = await player.start(chat, "hi")
    await player.until_text(run, "Half an ans")
    following = asyncio.create_task(player.send(chat, "And then?", when_busy="queue"))

    async def is_queued() -> bool:
        return len(await player.person.messages(chat)) == 4

    await until(is_queued)
    assert (await player.person.post(f"/runs/{run}/cancel")).status == 202
    return await player.watch(run) + await following


async def resume(player: Player) -> bytes:
    run = await player.start(await player.person.chat(), "Tell me about white tea.")
    whole = await player.watch(run)
    second_id = whole.split(b"id: ")[2].split(b"\n")[0].decode()
    return whole + await player.watch(run, **{"last-event-id": second_id})


async def resume_without_log(player: Player) -> bytes:
    run = await player.start(await player.person.chat(), "Tell me about white tea.")
    await player.watch(run)
    assert await player.stack.resources.state.delete(f"run:{run}:events") == 1
    return await player.watch(run, **{"last-event-id": "0-1"})


RUNS: tuple[Callable[[Player], Awaitable[bytes]], ...] = (
    plain_answer,
    korean_answer,
    answer_from_the_cache,
    tool_call,
    tool_call_with_approval,
    tool_call_that_is_denied,
    cancel,
    provider_error,
    cut_answer,
    cut_and_retried_answer,
    takeover,
    regenerate,
    queued_message,
    resume,
    resume_without_log,
)
