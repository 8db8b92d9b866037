"""Without redis-state people sign in, read chats and get answers. Services use it again when it is back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from basechat.embedded.layout import Layout
from basechat.embedded.process import Service, running
from basechat.embedded.servers import redis
from tests.identity.test_sign_in import is_signed_in, sign_in
from tests.support.databases import as_owner
from tests.support.own import Quiet, quiet_stack
from tests.support.person import text_of
from tests.support.stack import Servers, Stack
from tests.support.waiting import until
from tests.upstream import Upstream


@pytest.fixture(scope="module")
async def away(servers: Servers, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Quiet]:
    """A stack without redis-state."""
    nowhere = quote(str(tmp_path_factory.mktemp("state") / "nowhere.sock"))
    async with quiet_stack(servers, stack.upstream, redis_state_url=f"unix://{nowhere}?db=0") as quiet:
        yield quiet


@pytest.fixture
def own_state(tmp_path: Path) -> Service:
    """A redis-state that the test starts."""
    layout = _layout(tmp_path)
    for folder in (layout.run, layout.logs):
        folder.mkdir(parents=True)
    redis.prepare_redis(layout)
    return redis.services(layout)[1]


def _layout(folder: Path) -> Layout:
    return Layout.of(folder / "data")


async def _begin(quiet: Quiet, upstream: Upstream) -> str:
    """Send a message whose answer never ends; returns its run after the call of the model."""

    async def is_asked() -> bool:
        return bool(upstream.completions)

    chat = await quiet.person.chat()
    body = {"content": "hi", "model": "stall-5"}
    run: str = (await quiet.person.post(f"/sessions/{chat}/messages", body)).json["run"]["id"]
    await until(is_asked)
    return run


async def test_signing_in_and_out_and_limits_work(away: Quiet) -> None:
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


async def test_a_run_is_cancelled_long_before_the_next_heartbeat(away: Quiet, upstream: Upstream) -> None:
    async with away.worker():
        run = await _begin(away, upstream)
        async with asyncio.timeout(away.settings.run_heartbeat_seconds / 2):
            await away.person.post(f"/runs/{run}/cancel")
            await upstream.completions[0].ended.wait()
        async with away.person.stream("GET", f"/runs/{run}/events") as events, asyncio.timeout(20):
            assert [event.event async for event in events][-1] == "run.cancelled"
    assert upstream.completions[0].closed_early


async def test_the_service_is_ready_and_reports_redis_as_down(away: Quiet) -> None:
    assert (await away.person.get("/health/ready")).status == 200
    health = await away.person.get("/health")
    assert (health.status, health.json["status"]) == (200, "degraded")
    assert health.json["dependencies"]["redis-state"] == "down"


async def test_a_cancel_request_without_an_announcement_is_found(
    servers: Servers, upstream: Upstream, own_state: Service, tmp_path: Path
) -> None:
    """redis-state accepts connections and does not answer."""
    url = redis.url(_layout(tmp_path), redis.STATE)
    with running(own_state):
        async with quiet_stack(servers, upstream, redis_state_url=url) as quiet, quiet.worker():
            run = await _begin(quiet, upstream)
            pid = (await quiet.resources.state.info("server"))["process_id"]
            os.kill(pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(quiet.settings.run_heartbeat_seconds / 2):
                    cancel = "UPDATE runs SET cancel_requested_at = now() WHERE id::text = :run"
                    await as_owner(quiet.settings, cancel, run=run)
                    await upstream.completions[0].ended.wait()
            finally:
                os.kill(pid, signal.SIGCONT)
    assert upstream.completions[0].closed_early


async def test_redis_is_used_again_after_it_was_away(
    servers: Servers, upstream: Upstream, own_state: Service, tmp_path: Path
) -> None:
    url = redis.url(_layout(tmp_path), redis.STATE)
    async with quiet_stack(servers, upstream, redis_state_url=url) as quiet:
        chat = await quiet.person.chat()
        body = {"content": "hi", "model": "paced-50x20ms"}
        sending = quiet.person.stream("POST", f"/sessions/{chat}/messages", body)
        async with asyncio.timeout(30), quiet.worker(), sending as events:
            seen = [await anext(events)]
            with running(own_state):
                seen += [event async for event in events]
                await quiet.person.send(chat, "again", model="echo")
                assert await quiet.resources.state.keys("run:*:events")
        assert "message.delta" in {event.event for event in seen}
        assert text_of(seen) == (await quiet.person.messages(chat))[1]["content"]
