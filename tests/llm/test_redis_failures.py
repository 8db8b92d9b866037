"""Redis gone before, during or after a call, hanging or emptied, or filled with other keys: answers all the same."""

import asyncio
import base64
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, running
from basechat.embedded.servers import redis
from basechat.infra.redis import open_redis
from tests.llm.gateway import COMPLETIONS, own_gateway, question, streamed
from tests.support.person import Person, Reply
from tests.support.stack import Servers
from tests.upstream import Say, Upstream, Wait


@dataclass(frozen=True, slots=True)
class Weather:
    """A gateway with its own cache and redis-state, which a test may kill or stop."""

    client: Person
    both: Sequence[Child]
    urls: Sequence[str]

    def end(self) -> None:
        """Kill both servers."""
        for child in self.both:
            os.kill(child.pid, signal.SIGKILL)

    def hang(self) -> None:
        """Stop both servers in their tracks."""
        for child in self.both:
            os.kill(child.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        for child in self.both:
            os.kill(child.pid, signal.SIGCONT)

    async def empty(self) -> None:
        """Empty both servers."""
        for url in self.urls:
            async with open_redis(url) as client:
                await client.flushall()


@pytest.fixture
async def outside(servers: Servers, person: Person, upstream: Upstream, tmp_path: Path) -> AsyncIterator[Weather]:
    """A gateway with its own Redis servers."""
    layout = Layout.of(tmp_path / "data")
    for each in (layout.run, layout.logs):
        each.mkdir(parents=True)
    redis.prepare_redis(layout)
    urls = [redis.url(layout, name) for name in (redis.CACHE, redis.STATE)]
    with running(*redis.services(layout)) as both:
        async with own_gateway(
            servers, person, openai_base_url=upstream.base_url, redis_url=urls[0], redis_state_url=urls[1]
        ) as client:
            yield Weather(client, both, urls)


def said(reply: Reply) -> tuple[str, str]:
    """Where an answer came from, and its text."""
    assert reply.status == 200, reply.body
    return reply.headers["x-basechat-cache"], reply.json["choices"][0]["message"]["content"]


async def test_redis_ends_before_a_call(outside: Weather, upstream: Upstream) -> None:
    outside.end()
    asked = [outside.client.post(COMPLETIONS, question("a b")) for _ in range(20)]
    answers = [said(reply) for reply in await asyncio.gather(*asked)]
    assert {text for _, text in answers} == {"a b"}
    assert sorted({label for label, _ in answers}) in (["coalesced", "miss"], ["coalesced", "hit", "miss"], ["miss"])
    assert said(await outside.client.post(COMPLETIONS, question("c d"))) == ("miss", "c d")


async def test_redis_ends_during_a_call(outside: Weather, upstream: Upstream) -> None:
    upstream.script("echo", Say(("one",)), Wait(0.5), Say((" two",)))
    async with streamed(outside.client, question()) as response:
        heard = await response.content.readuntil(b"one")
        outside.end()
        heard += await response.read()
    assert b" two" in heard
    assert heard.endswith(b"data: [DONE]\n\n")
    assert said(await outside.client.post(COMPLETIONS, question("again"))) == ("miss", "one two")


async def test_redis_stops_during_a_call(outside: Weather, upstream: Upstream) -> None:
    upstream.script("echo", Say(("one",)), Wait(0.3), Say((" two",)))
    async with streamed(outside.client, question()) as response:
        heard = await response.content.readuntil(b"one")
        outside.hang()
        try:
            heard += await response.read()
            again = await outside.client.post(COMPLETIONS, question("hm"))
        finally:
            outside.go_on()
    assert heard.endswith(b"data: [DONE]\n\n")
    assert said(again) == ("miss", "one two")


async def test_redis_is_emptied_during_a_call(outside: Weather, upstream: Upstream) -> None:
    upstream.script("echo", Say(("one",)), Wait(0.3), Say((" two",)))
    async with streamed(outside.client, question()) as response:
        heard = await response.content.readuntil(b"one")
        await outside.empty()
        heard += await response.read()
    assert heard.endswith(b"data: [DONE]\n\n")
    assert said(await outside.client.post(COMPLETIONS, question())) == ("hit", "one two")


async def test_another_encryption_key_causes_a_counted_miss(
    servers: Servers, person: Person, upstream: Upstream
) -> None:
    body = question(f"{uuid4()}")
    old, new = (base64.b64encode(bytes([byte]) * 32).decode() for byte in (3, 4))
    for keys, label in ((old, "miss"), (old, "hit"), (new, "miss"), (f"{new},{old}", "hit"), (old, "miss")):
        async with own_gateway(
            servers, person, openai_base_url=upstream.base_url, cache_encryption_keys=keys
        ) as client:
            assert said(await client.post(COMPLETIONS, body))[0] == label
            unreadable = (await client.get("/metrics")).body
            was_unreadable = b'basechat_cache_requests_total{layer="llm",outcome="unreadable"} 1.0' in unreadable
            assert was_unreadable is (label == "miss" and len(upstream.completions) > 1)
