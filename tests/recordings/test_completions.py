"""Clients of llm-agent receive the recorded bytes, wherever an answer comes from."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.llm.gateway import COMPLETIONS, question, streamed
from tests.recordings import tape
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import Stack
from tests.upstream import Call, Say, Upstream, Wait

USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}


@pytest.fixture
async def client(stack: Stack, person: Person) -> AsyncIterator[Person]:
    """A program that calls the gateway with a person's token."""
    async with visitor(stack.socket("llm-agent")) as somebody:
        yield Person(somebody.http, person.token)


async def _ask(client: Person, content: str) -> bytes:
    async with streamed(client, question(content, **USAGE)) as response:
        return await tape.read(response)


async def test_a_miss_and_a_hit(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", Say(("One, ", "two, ", "세 번째.")), Call("calculate", {"expression": "6 * 7"}))
    played = await _ask(client, "a miss") + await _ask(client, "a miss")
    tape.compare("completion_miss_and_hit", played, tape.normalize_completion)


async def test_a_coalesced_call(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", Say(("One, ", "two, ")), Wait(1), Say(("세 번째.",)))
    async with streamed(client, question("coalesced", **USAGE)) as leading:
        first = await leading.content.readuntil(b"\n\n")
        joined = await _ask(client, "coalesced")
        played = tape.head(leading) + first + await leading.read() + joined
    tape.compare("completion_miss_and_coalesced", played, tape.normalize_completion)


async def test_a_refusal(client: Person, upstream: Upstream) -> None:
    reply = await client.post(COMPLETIONS, question(model="error-429") | {"stream": True})
    tape.compare("completion_refused", b"HTTP %d\n\n%b" % (reply.status, reply.body), tape.normalize_completion)


async def test_an_answer_that_broke_off(client: Person, upstream: Upstream) -> None:
    async with streamed(client, question(model="cut-10")) as response:
        tape.compare("completion_cut", await tape.read(response), tape.normalize_completion)
