"""A gateway is killed while it leads a completion. Its followers start again, or report that the answer broke off."""

import asyncio
import os
import signal
from pathlib import Path

from basechat.infra.redis import open_redis
from tests.llm.gateway import COMPLETIONS, own_gateway, question, streamed
from tests.llm.processes import gateway_process
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import Servers
from tests.support.waiting import until
from tests.upstream import Say, Stall, Upstream, Wait

LONG = 30


async def test_a_follower_without_a_part_starts_again(
    servers: Servers, person: Person, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.next_answers((Wait(LONG), Say(("never",))), (Say(("anew",)),))
    more = {"OPENAI_BASE_URL": upstream.base_url}
    async with (
        gateway_process(servers.settings(), more, tmp_path) as (pid, socket),
        visitor(socket) as leading,
        own_gateway(servers, person, openai_base_url=upstream.base_url) as follower,
    ):
        leader = Person(leading.http, person.token)
        asking = asyncio.create_task(leader.post(COMPLETIONS, question("hi there")))
        await until(lambda: _count(upstream, 1))
        following = [asyncio.create_task(follower.post(COMPLETIONS, question("hi there"))) for _ in range(5)]
        await until(lambda: _is_followed(servers))
        os.kill(pid, signal.SIGKILL)
        replies = await asyncio.gather(*following)
        await asyncio.gather(asking, return_exceptions=True)
    assert {reply.json["choices"][0]["message"]["content"] for reply in replies} == {"anew"}
    assert len(upstream.completions) == 2  # one of the five called again, for all


async def test_a_follower_with_a_part_reports_that_the_answer_broke_off(
    servers: Servers, person: Person, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.next_answers((Say(("one",)), Stall()))
    more = {"OPENAI_BASE_URL": upstream.base_url}
    async with (
        gateway_process(servers.settings(), more, tmp_path) as (pid, socket),
        visitor(socket) as leading,
        own_gateway(servers, person, openai_base_url=upstream.base_url) as follower,
    ):
        leader = Person(leading.http, person.token)
        async with streamed(leader, question("hello there")) as first:
            await first.content.readuntil(b"one")
            async with streamed(follower, question("hello there")) as second:
                heard = await second.content.readuntil(b"one")
                os.kill(pid, signal.SIGKILL)
                heard += await second.read()
        assert heard.endswith(b"\n\n")
        assert b"provider_cut" in heard.split(b"\n\n")[-2]
        upstream.next_answers((Say(("well",)),))
        reply = await follower.post(COMPLETIONS, question("hello there"))
        assert reply.json["choices"][0]["message"]["content"] == "well"
    assert len(upstream.completions) == 2


async def _count(upstream: Upstream, count: int) -> bool:
    return len(upstream.completions) == count


async def _is_followed(servers: Servers) -> bool:
    """Whether a log of a flight is being written."""
    state = open_redis(servers.settings().state_redis_url)
    try:
        return bool([key async for key in state.scan_iter("flight:*:log")])
    finally:
        await state.aclose()
