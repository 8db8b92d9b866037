"""Identical requests at the same time cause one call of the provider, in one process or in several."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest

from basechat.infra.redis import open_redis
from basechat.kit import json
from tests.llm.gateway import COMPLETIONS, check_error, own_gateway, question, streamed
from tests.support.databases import as_owner
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import Servers, Stack
from tests.support.waiting import until
from tests.upstream import Fail, Say, Stall, Upstream, Wait

SLOW = (Wait(0.3), Say(("one",)), Wait(0.3), Say((" two", " three")))
TEXT = "one two three"


@pytest.fixture
async def client(stack: Stack, person: Person) -> AsyncIterator[Person]:
    """A program that calls the gateway with a person's token."""
    async with visitor(stack.socket("llm-agent")) as somebody:
        yield Person(somebody.http, person.token)


@pytest.fixture
async def pair(servers: Servers, person: Person, upstream: Upstream) -> AsyncIterator[tuple[Person, Person]]:
    """Two gateways, each with a client with the same token."""
    async with AsyncExitStack() as both:
        yield tuple(  # type: ignore[misc]
            [
                await both.enter_async_context(own_gateway(servers, person, openai_base_url=upstream.base_url))
                for _ in range(2)
            ]
        )


async def ask(client: Person, body: dict[str, Any], *, stream: bool) -> tuple[str, str]:
    """Where an answer came from and its text."""
    if not stream:
        reply = await client.post(COMPLETIONS, body)
        assert reply.status == 200, reply.body
        return reply.headers["x-basechat-cache"], reply.json["choices"][0]["message"]["content"]
    async with streamed(client, body) as response:
        assert response.status == 200
        return response.headers["x-basechat-cache"], text_of(await response.read())


def text_of(stream: bytes) -> str:
    """The text of a whole stream."""
    *events, done, empty = stream.split(b"\n\n")
    assert (done, empty) == (b"data: [DONE]", b"")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])


def check_shared(answers: list[tuple[str, str]]) -> None:
    """Check that one of many made the call, and that all got its answer; on a slow machine some come after its end."""
    labels = Counter(label for label, _ in answers)
    assert labels["miss"] == 1
    assert labels["coalesced"] > 0
    assert labels.keys() <= {"miss", "coalesced", "hit"}
    assert {text for _, text in answers} == {TEXT}


async def test_two_hundred_identical_requests_are_one_call(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SLOW)
    asked = [ask(client, question(), stream=number % 2 == 0) for number in range(200)]
    check_shared(await asyncio.gather(*asked))
    assert len(upstream.completions) == 1
    assert await ask(client, question(), stream=True) == ("hit", TEXT)


async def test_identical_requests_to_several_processes_are_one_call(
    pair: tuple[Person, Person], upstream: Upstream
) -> None:
    upstream.script("echo", *SLOW)
    body = question(f"{uuid4()}")
    asked = [ask(pair[number % 2], body, stream=number % 4 < 2) for number in range(200)]
    check_shared(await asyncio.gather(*asked))
    assert len(upstream.completions) == 1


@pytest.mark.parametrize("leader_streams", [True, False])
async def test_a_follower_in_another_process_gets_the_earlier_parts(
    pair: tuple[Person, Person], upstream: Upstream, leader_streams: bool
) -> None:
    upstream.script("echo", Say(("one",)), Wait(0.5), Say((" two", " three")))
    body = question(f"{uuid4()}")
    leading = asyncio.create_task(ask(pair[0], body, stream=leader_streams))
    await until(lambda: _is(bool(upstream.completions)))
    assert await ask(pair[1], body, stream=True) == ("coalesced", TEXT)
    assert await leading == ("miss", TEXT)
    assert len(upstream.completions) == 1


@pytest.mark.parametrize("apart", [False, True])
async def test_the_leaders_client_may_disconnect(pair: tuple[Person, Person], upstream: Upstream, apart: bool) -> None:
    upstream.script("echo", Say(("one",)), Wait(1.5), Say((" two", " three")))
    body = question(f"{uuid4()}")
    async with streamed(pair[0], body) as leading:
        await leading.content.readuntil(b"one")
        following = asyncio.create_task(ask(pair[int(apart)], body, stream=True))
        async with streamed(pair[int(apart)], body) as heard:  # once the other follower is heard it counts
            await heard.content.readuntil(b"one")
            leading.close()
    assert await following == ("coalesced", TEXT)
    assert upstream.completions[0].outcome == "finished"
    assert await ask(pair[0], body, stream=False) == ("hit", TEXT)


@pytest.mark.parametrize("apart", [False, True])
async def test_the_call_ends_when_the_last_client_disconnects(
    pair: tuple[Person, Person], upstream: Upstream, apart: bool
) -> None:
    upstream.script("echo", Say(("one",)), Stall())
    body = question(f"{uuid4()}")
    async with streamed(pair[0], body) as leading:
        await leading.content.readuntil(b"one")
        async with streamed(pair[int(apart)], body) as following:
            await following.content.readuntil(b"one")
            leading.close()
            following.close()
    async with asyncio.timeout(10):
        await upstream.completions[0].ended.wait()
    assert upstream.completions[0].closed_early
    upstream.script("echo", Say(("anew",)))
    assert await ask(pair[1], body, stream=True) == ("miss", "anew")


async def test_a_whole_answer_ends_when_its_client_disconnects(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", Say(("one",)), Stall())
    asking = asyncio.create_task(ask(client, question(), stream=False))
    await until(lambda: _is(bool(upstream.completions)))
    asking.cancel()
    async with asyncio.timeout(10):
        await upstream.completions[0].ended.wait()
    assert upstream.completions[0].closed_early


@pytest.mark.parametrize("apart", [False, True])
async def test_followers_get_the_same_error_as_the_leader(
    pair: tuple[Person, Person], upstream: Upstream, apart: bool
) -> None:
    upstream.script("echo", Wait(0.3), Fail(400, "bad", "No such thing."))
    body = question(f"{uuid4()}")
    replies = await asyncio.gather(*(each.post(COMPLETIONS, body) for each in (pair[0], pair[int(apart)]) * 5))
    assert {check_error(reply, 400, "bad") for reply in replies} == {"No such thing."}
    assert len(upstream.completions) == 1


async def test_a_revoked_token_does_not_break_the_completion_of_others(
    client: Person, person: Person, upstream: Upstream
) -> None:
    made = (await person.post("/auth/tokens", {"name": "program", "scopes": ["llm"]})).json
    program = Person(client.http, made["token"])
    for each in (program, client):  # from now on it is remembered whose they are
        await ask(each, question("one"), stream=False)
    assert (await person.ask("DELETE", f"/auth/tokens/{made['id']}")).status == 204
    body = question("two")
    replies = await asyncio.gather(*(each.post(COMPLETIONS, body) for each in (program, client) * 5))
    assert {reply.status for reply in replies[1::2]} == {200}
    for reply in replies[::2]:
        check_error(reply, 401, "invalid_api_key")
    assert len(upstream.completions) == 2


async def test_a_revoked_token_gets_no_other_error(client: Person, person: Person) -> None:
    for body in (question(model="tokens-5"), question() | {"messages": []}):
        made = (await person.post("/auth/tokens", {"name": "program", "scopes": ["llm"]})).json
        program = Person(client.http, made["token"])
        await ask(program, question(), stream=False)
        assert (await person.ask("DELETE", f"/auth/tokens/{made['id']}")).status == 204
        check_error(await program.post(COMPLETIONS, body), 401, "invalid_api_key")


@pytest.mark.parametrize("apart", [False, True])
async def test_followers_get_the_time_to_retry(pair: tuple[Person, Person], upstream: Upstream, apart: bool) -> None:
    upstream.script("echo", Wait(0.3), Fail(429, "slow_down", "Not now.", retry_after=30))
    body = question(f"{uuid4()}")
    replies = await asyncio.gather(*(each.post(COMPLETIONS, body) for each in (pair[0], pair[int(apart)]) * 5))
    assert {check_error(reply, 429, "slow_down") for reply in replies} == {"Not now."}
    assert {reply.headers.get("retry-after") for reply in replies} == {"30"}


async def test_a_completion_can_be_followed_again(
    pair: tuple[Person, Person], upstream: Upstream, servers: Servers
) -> None:
    upstream.script("echo", Say(("one",)), Wait(8), Say((" two", " three")))
    body = question(f"{uuid4()}")

    async def logs() -> set[bytes]:
        return {key async for key in state.scan_iter("flight:*:log")}

    async def is_followed_no_more() -> bool:
        return await logs() <= before

    async with streamed(pair[0], body) as leading, open_redis(servers.settings().state_redis_url) as state:
        before = await logs()
        await leading.content.readuntil(b"one")
        async with streamed(pair[1], body) as following:
            await following.content.readuntil(b"one")
            assert await logs() > before
            following.close()
        await until(is_followed_no_more)
        assert await ask(pair[1], body, stream=True) == ("coalesced", TEXT)
    assert len(upstream.completions) == 1


async def test_a_broken_stream_is_broken_for_all_clients(pair: tuple[Person, Person], upstream: Upstream) -> None:
    upstream.script("echo", Say(("one",)), Wait(0.5), Fail(500, None, "oh"))
    body = question(f"{uuid4()}")

    async def read(client: Person) -> bytes:
        async with streamed(client, body) as response:
            return await response.read()

    streams = await asyncio.gather(*(read(each) for each in pair * 3))
    assert all(b'"error"' in stream and b"one" in stream for stream in streams)
    upstream.script("echo", Say(("well",)))
    assert await ask(pair[0], body, stream=True) == ("miss", "well")


async def test_a_client_that_does_not_read_delays_no_other(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", *(Say(("x" * 50_000,)) for _ in range(100)))
    async with streamed(client, question()) as stuck:
        await stuck.content.readuntil(b"x")
        label, text = await ask(client, question(), stream=True)
    assert label in {"coalesced", "hit"}
    assert len(text) == 5_000_000


async def test_different_requests_are_different_calls(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", *SLOW)
    asked = [ask(client, question(f"{number}"), stream=True) for number in range(5)]
    assert Counter(await asyncio.gather(*asked)) == {("miss", TEXT): 5}
    fresh = {"cache-control": "no-cache"}
    replies = await asyncio.gather(*(client.post(COMPLETIONS, question("0"), headers=fresh) for _ in range(3)))
    assert [reply.headers["x-basechat-cache"] for reply in replies] == ["bypass"] * 3
    assert len(upstream.completions) == 8


async def _is(value: bool) -> bool:
    return value


async def test_what_is_refused_to_one_token_is_not_refused_to_another(
    stack: Stack, person: Person, client: Person, upstream: Upstream
) -> None:
    made = [
        (await person.post("/auth/tokens", {"name": name, "scopes": ["llm"]})).json for name in ("poor", "rich", "gone")
    ]
    poor, rich, gone = [Person(client.http, token["token"]) for token in made]
    for each in (poor, rich, gone):  # now the gateway knows them
        assert (await each.post(COMPLETIONS, question(f"{uuid4()}"))).status == 200
    settings, (poor_id, _, gone_id) = stack.resources.settings, [token["id"] for token in made]
    budget = "INSERT INTO budgets (id, subject, token_id, tokens_per_day) VALUES (:id, 'token', :token, 1)"
    await as_owner(settings, budget, id=str(uuid4()), token=poor_id)

    async def is_refused() -> bool:
        return (await poor.post(COMPLETIONS, question(f"{uuid4()}"))).status == 429

    await until(is_refused)
    assert (await person.ask("DELETE", f"/auth/tokens/{gone_id}")).status == 204
    # A token without budget may share the completion of another token. A revoked token may not.
    for other, statuses in ((poor, {200, 429}), (gone, {401})):
        asked = len(upstream.completions)
        body = question(f"{uuid4()}")
        replies = await asyncio.gather(*(each.post(COMPLETIONS, body) for each in (other, rich) * 3))
        assert {reply.status for reply in replies[::2]} <= statuses
        assert {reply.status for reply in replies[1::2]} == {200}
        assert len(upstream.completions) == asked + 1
