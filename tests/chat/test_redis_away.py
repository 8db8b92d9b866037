"""Without redis-state people sign in, read their chats and get their answers, and it is used again when it is back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from basechat.embedded import redis
from basechat.embedded.layout import Layout
from basechat.embedded.service import running
from tests.identity.test_sign_in import is_signed_in, sign_in
from tests.support.own import Quiet, quiet_stack
from tests.support.person import text_of
from tests.support.stack import Servers, Stack
from tests.support.waiting import until
from tests.upstream import Upstream


@pytest.fixture(scope="module")
async def away(servers: Servers, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quiet]:
    """A stack whose redis-state is not there."""
    nowhere = quote(str(tmp_path_factory.mktemp("state") / "nowhere.sock"))
    async with quiet_stack(
        servers, stack.upstream, redis_state_url=f"unix://{nowhere}?db=0", run_heartbeat_seconds=0.3
    ) as quiet:
        yield quiet


async def test_signing_in_and_out_and_limits_go_on(away: Quiet) -> None:
    again = await sign_in(away.person)
    assert await is_signed_in(again)
    assert (await again.post("/auth/logout")).status == 204
    assert not await is_signed_in(again)
    body = {"username": "nobody", "password": "wrong horse"}
    replies = [await again.post("/auth/login", body) for _ in range(11)]
    assert [reply.status for reply in replies] == [401] * 10 + [429]


async def test_chats_are_listed_and_changed(away: Quiet) -> None:
    chat = await away.person.chat(title="here")
    assert (await away.person.get("/sessions")).json["items"][0]["title"] == "here"
    assert (await away.person.ask("DELETE", f"/sessions/{chat}")).status == 204


async def test_a_message_is_answered(away: Quiet, upstream: Upstream) -> None:
    async with away.worker(), asyncio.timeout(20):
        chat = await away.person.chat()
        events = await away.person.send(chat, "여보세요?", model="echo")
    assert (events[0].event, events[-1].event) == ("run.started", "message.completed")
    assert text_of(events) == "여보세요?" == (await away.person.messages(chat))[-1]["content"]


async def test_a_run_is_cancelled(away: Quiet, upstream: Upstream) -> None:
    async def is_asked() -> bool:
        return bool(upstream.completions)

    async with away.worker(), asyncio.timeout(20):
        chat = await away.person.chat()
        body = {"content": "hi", "model": "stall-5"}
        run = (await away.person.post(f"/sessions/{chat}/messages", body)).json["run"]["id"]
        await until(is_asked)
        await away.person.post(f"/runs/{run}/cancel")
        async with away.person.stream("GET", f"/runs/{run}/events") as events:
            assert [event.event async for event in events][-1] == "run.cancelled"


async def test_ready_it_is_and_says_what_is_down(away: Quiet) -> None:
    assert (await away.person.get("/health/ready")).status == 200
    health = await away.person.get("/health")
    assert (health.status, health.json["status"]) == (200, "degraded")
    assert health.json["dependencies"]["redis-state"] == "down"


async def test_redis_that_comes_back_is_used_again(
    servers: Servers, stack: Stack, upstream: Upstream, tmp_path: Path
) -> None:
    layout = Layout.of(tmp_path / "data")
    for folder in (layout.run, layout.logs):
        folder.mkdir(parents=True)
    redis.prepare_redis(layout)
    state = redis.services(layout)[1]
    async with quiet_stack(servers, upstream, redis_state_url=redis.url(layout, redis.STATE)) as quiet:
        chat = await quiet.person.chat()
        body = {"content": "hi", "model": "paced-50x20ms"}
        sending = quiet.person.stream("POST", f"/sessions/{chat}/messages", body)
        async with asyncio.timeout(30), quiet.worker(), sending as events:
            seen = [await anext(events)]
            with running(state):
                seen += [event async for event in events]
                await quiet.person.send(chat, "again", model="echo")
                assert await quiet.resources.state.keys("run:*:events")
        assert "message.delta" in {event.event for event in seen}
        assert text_of(seen) == (await quiet.person.messages(chat))[1]["content"]
