"""Counters on a real Valkey: the counters of every process arrive, and each arrives once."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from basechat.infra.metrics.counters import LATE_MINUTES, Counters
from basechat.infra.metrics.minutes import KEPT_SECONDS, Flusher, minute_key, read_minutes, total
from basechat.infra.redis import open_redis
from basechat.services import backend
from tests.support.stack import Servers, serving

_minutes = iter(range(1_000_000, 2_000_000, 1000))


class Clock:
    """Shows the time that a test sets."""

    def __init__(self, minute: int) -> None:
        self.minute = minute

    def __call__(self) -> float:
        return self.minute * 60.0


@pytest.fixture
async def state(servers: Servers) -> AsyncIterator[Redis]:
    """A client of redis-state."""
    async with open_redis(servers.settings().state_redis_url) as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    """A clock at a minute that no other test uses."""
    return Clock(next(_minutes))


async def _counted(state: Redis, clock: Clock) -> dict[str, float]:
    return total((await read_minutes(state, [clock.minute])).values())


async def test_counters_are_summed_by_the_minute(state: Redis, clock: Clock) -> None:
    counters = Counters(clock=clock)
    flusher = Flusher(counters, state)
    counters.add("cache.llm.hit")
    counters.add("cache.llm.hit")
    counters.add("llm.cost", 0.25)
    await flusher.flush()
    counters.add("cache.llm.hit")
    await flusher.flush()
    clock.minute += 1
    counters.add("cache.llm.hit")
    await flusher.flush()
    first = clock.minute - 1
    assert await read_minutes(state, range(first - 5, first + 5)) == {
        first: {"cache.llm.hit": 3.0, "llm.cost": 0.25},
        first + 1: {"cache.llm.hit": 1.0},
    }
    assert total((await read_minutes(state, [first, first + 1])).values()) == {"cache.llm.hit": 4.0, "llm.cost": 0.25}
    assert counters.value("cache.llm.hit") == 4
    assert dict(counters.totals()) == {"cache.llm.hit": 4.0, "llm.cost": 0.25}
    assert 0 < await state.ttl(minute_key(first)) <= KEPT_SECONDS


async def test_a_lost_answer_counts_once(servers: Servers, state: Redis, clock: Clock) -> None:
    counters = Counters(clock=clock)
    async with _relay(servers) as (relay, client):
        flusher = Flusher(counters, client)
        counters.add("calls")
        await flusher.flush()
        relay.is_deaf = True
        counters.add("calls")
        await flusher.flush()  # arrives, but its reply is lost
        assert await _counted(state, clock) == {"calls": 2.0}
        counters.add("calls")
        await flusher.flush()
        relay.is_deaf = False
        await flusher.flush()
    assert await _counted(state, clock) == {"calls": 3.0}


async def test_redis_away_is_made_up_for_later(servers: Servers, state: Redis, clock: Clock) -> None:
    counters, first = Counters(clock=clock), clock.minute
    async with _relay(servers) as (relay, client):
        flusher = Flusher(counters, client)
        for is_away in (False, True, True, True, False):
            relay.is_away = is_away
            counters.add("calls")
            await flusher.flush()
            clock.minute += 1
    counted = await read_minutes(state, range(first, clock.minute))
    assert counted == {minute: {"calls": 1.0} for minute in range(first, clock.minute)}


async def test_waiting_counters_are_bounded(clock: Clock) -> None:
    counters = Counters(clock=clock)
    for _ in range(LATE_MINUTES + 10):
        counters.add("calls")
        counters.close_minute()
        clock.minute += 1
    waiting = [minute for minute, _ in counters.take_minutes()]
    assert waiting == list(range(clock.minute - LATE_MINUTES, clock.minute))
    assert counters.value("calls") == LATE_MINUTES + 10


async def test_a_refused_batch_does_not_block_later_ones(state: Redis, clock: Clock) -> None:
    counters, key = Counters(clock=clock), minute_key(clock.minute)
    flusher = Flusher(counters, state)
    await state.set(key, "no hash", ex=60)
    for _ in range(2):
        counters.add("calls")
        await flusher.flush()
        clock.minute += 1
    assert await read_minutes(state, [clock.minute - 1]) == {}
    clock.minute += LATE_MINUTES - 1
    await flusher.flush()
    assert await read_minutes(state, [clock.minute - LATE_MINUTES]) == {clock.minute - LATE_MINUTES: {"calls": 1.0}}


async def test_an_emptied_redis_starts_from_nothing(state: Redis, clock: Clock) -> None:
    counters = Counters(clock=clock)
    flusher = Flusher(counters, state)
    counters.add("calls", 5)
    await flusher.flush()
    await state.delete(minute_key(clock.minute))
    await state.script_flush()
    counters.add("calls", 2)
    await flusher.flush()
    assert await _counted(state, clock) == {"calls": 2.0}


async def test_the_last_counters_are_flushed_at_the_end(state: Redis, clock: Clock) -> None:
    counters = Counters(clock=clock)
    async with Flusher(counters, state).flushing():
        counters.add("calls")
    assert await _counted(state, clock) == {"calls": 1.0}


async def test_a_service_that_stops_flushes(servers: Servers, state: Redis) -> None:
    app, name = backend.create_app(servers.settings()), f"test.{uuid4().hex}"
    now = int(time.time() // 60)
    async with serving(app, f"{servers.folder}/{uuid4().hex[:8]}.sock"):
        app.state.resources.counters.add(name)
    assert total((await read_minutes(state, range(now, now + 3))).values())[name] == 1


_PROCESS = """
import asyncio, sys
from basechat.infra.metrics.counters import Counters
from basechat.infra.metrics.minutes import Flusher
from basechat.infra.redis import open_redis

async def main(url, minute):
    counters = Counters(clock=lambda: minute * 60.0)
    async with open_redis(url) as state:
        flusher = Flusher(counters, state)
        for _ in range(200):
            counters.add("calls")
            counters.add("cost", 0.5)
            await flusher.flush()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_two_processes_count_at_once(servers: Servers, state: Redis, clock: Clock) -> None:
    command = [sys.executable, "-c", _PROCESS, servers.settings().state_redis_url, str(clock.minute)]
    processes = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    assert await _counted(state, clock) == {"calls": 400.0, "cost": 200.0}


class _Relay:
    """Between a client and redis-state; deaf, it hands on what is asked and breaks off instead of answering."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.is_deaf = False
        self.is_away = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        up_reader, up_writer = await asyncio.open_unix_connection(self._path)
        while (asked := await reader.read(65_536)) and not self.is_away:
            up_writer.write(asked)
            answered = await up_reader.read(65_536)
            if self.is_deaf and b"EVAL" in asked:
                break
            writer.write(answered)
        writer.close()
        up_writer.close()


@asynccontextmanager
async def _relay(servers: Servers) -> AsyncIterator[tuple[_Relay, Redis]]:
    relay = _Relay(str(servers.layout.socket("redis-state")))
    async with await asyncio.start_server(relay.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_redis(f"redis://127.0.0.1:{port}/0") as client:
            yield relay, client
