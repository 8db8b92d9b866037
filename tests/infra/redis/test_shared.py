"""Commands of many callers on one connection to a real Valkey: each caller gets its own reply."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.client import EMPTY_RESPONSE
from redis.exceptions import DataError, NoScriptError, ResponseError
from redis.exceptions import TimeoutError as LateError

from basechat.embedded.layout import Layout
from basechat.embedded.process import Child, running
from basechat.embedded.servers.redis import STATE, prepare_redis, services, url
from basechat.infra.redis import REDIS_ERRORS, open_redis
from tests.support.waiting import until

LATE_SECONDS = 0.5


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A data folder of its own."""
    layout = Layout.of(tmp_path / "data")
    for each in (layout.run, layout.logs):
        each.mkdir(parents=True)
    prepare_redis(layout)
    return layout


@pytest.fixture
def server(layout: Layout) -> Iterator[Child]:
    """A server that may be stopped."""
    with running(services(layout)[1]) as (child,):
        yield child


@pytest.fixture
async def redis(server: Child, layout: Layout) -> AsyncIterator[Redis]:
    """A client of it, impatient."""
    async with open_redis(url(layout, STATE), timeout=LATE_SECONDS) as client:
        yield client


async def _connections(redis: Redis) -> int:
    return len(await redis.client_list())


async def _are(count: int, redis: Redis) -> bool:
    return await _connections(redis) == count


async def test_redis_py_has_the_names_that_our_client_relies_on(server: Child, layout: Layout) -> None:
    """These names are not documented, so a new version of redis-py may drop them: see ADR 15."""
    path = str(layout.socket(STATE))
    for kind in (Connection, SSLConnection, UnixDomainSocketConnection):
        assert callable(kind.pack_command)
    connection = UnixDomainSocketConnection(path=path)
    await connection.connect()  # type: ignore[no-untyped-call]
    for name in ("_reader", "_writer", "_parser"):
        assert getattr(connection, name, None) is not None, f"redis-py's connection has no {name} any more"
    assert isinstance(connection._writer, asyncio.StreamWriter)
    assert isinstance(connection._reader, asyncio.StreamReader)
    error = connection._parser.parse_error("NOSCRIPT none")  # type: ignore[no-untyped-call]
    assert isinstance(error, NoScriptError)
    await connection.disconnect()
    client = Redis(unix_socket_path=path)
    assert callable(client.response_callbacks["EXPIRE"]), "redis-py's client has no response_callbacks any more"
    assert "path" in client.connection_pool.connection_kwargs
    assert client.connection_pool.connection_class is UnixDomainSocketConnection
    assert isinstance(EMPTY_RESPONSE, str)
    await client.aclose()


async def test_many_at_once_get_their_own_replies_on_one_connection(redis: Redis) -> None:
    await asyncio.gather(*(redis.set(f"key:{n}", n) for n in range(500)))
    assert await asyncio.gather(*(redis.get(f"key:{n}") for n in range(500))) == [b"%d" % n for n in range(500)]
    assert await _connections(redis) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda redis: redis.hgetall("hash"),
        lambda redis: redis.hmget("hash", ["a", "nothing"]),
        lambda redis: redis.set("text", "1", nx=True),
        lambda redis: redis.set("text", "1", px=60_000),
        lambda redis: redis.expire("nothing", 1),
        lambda redis: redis.get("nothing"),
        lambda redis: redis.zrange("sorted", 0, -1, withscores=True),
        lambda redis: redis.xrange("stream"),
        lambda redis: redis.scan(match="*", count=1000),
        lambda redis: redis.config_get("appendonly"),
        lambda redis: redis.script_exists("0" * 40),
        lambda redis: redis.eval("return {1, false, 'a', {'b'}}", 0),
        lambda redis: redis.memory_usage("hash"),
    ],
)
async def test_replies_are_as_redis_py_gives_them(redis: Redis, ask: Callable[[Redis], Awaitable[object]]) -> None:
    await redis.hset("hash", mapping={"a": 1, "b": 2.5, "c": "글", "d": b"\x00"})
    await redis.zadd("sorted", {"a": 1.5, "b": 2})
    await redis.xadd("stream", {"a": "1"})
    await redis.set("text", "0")
    async with Redis.from_pool(redis.connection_pool) as plain:
        assert await ask(redis) == await ask(plain)


async def test_an_error_is_its_callers_alone(redis: Redis) -> None:
    await redis.set("text", "a")
    results = await asyncio.gather(redis.incr("text"), redis.get("text"), redis.incr("number"), return_exceptions=True)
    assert isinstance(results[0], ResponseError)
    assert list(results[1:]) == [b"a", 1]
    with pytest.raises(DataError):
        await redis.set("text", object())  # type: ignore[arg-type]
    assert await redis.get("text") == b"a"


async def test_a_cancelled_caller_does_not_affect_the_replies_of_others(redis: Redis) -> None:
    await redis.ping()
    asked = [asyncio.ensure_future(redis.incr("count")) for _ in range(100)]
    await asyncio.sleep(0)
    for task in asked[::2]:
        task.cancel()
    replies = await asyncio.gather(*asked, return_exceptions=True)
    assert [reply for reply in replies if isinstance(reply, int)] == list(range(2, 101, 2))
    assert await redis.incr("count") == 101


async def test_a_blocking_command_does_not_delay_others(redis: Redis) -> None:
    popped = asyncio.ensure_future(redis.blpop(["list"], timeout=10))
    read = asyncio.ensure_future(redis.xread({"stream": "$"}, block=400))
    await until(lambda: _are(3, redis))
    async with asyncio.timeout(LATE_SECONDS):
        await redis.rpush("list", "a")
    assert list(await popped or ()) == [b"list", b"a"]
    assert not await read


async def test_a_script_is_sent_where_the_server_does_not_know_it(redis: Redis) -> None:
    script = redis.register_script("return {KEYS[1], ARGV[1]}")
    assert await script(["key"], ["value"]) == [b"key", b"value"]
    await redis.script_flush()
    assert await script(["key"], (value for value in ["value"])) == [b"key", b"value"]
    async with redis.pipeline(transaction=False) as pipeline:
        await script(["key"], ["value"], client=pipeline)
        assert await pipeline.execute() == [[b"key", b"value"]]


async def test_the_end_of_a_server_is_noticed_at_once(redis: Redis, server: Child, layout: Layout) -> None:
    await redis.set("kept", "1")
    os.kill(server.pid, signal.SIGSTOP)
    asked = [asyncio.ensure_future(redis.get("kept")) for _ in range(20)]
    await asyncio.sleep(0.05)
    os.kill(server.pid, signal.SIGKILL)
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(result, REDIS_ERRORS) for result in results)
    with pytest.raises(REDIS_ERRORS):
        await redis.get("kept")
    with running(services(layout)[1]):
        assert await redis.get("kept") == b"1"


async def test_a_server_that_falls_silent_is_left_and_heard_again(redis: Redis, server: Child) -> None:
    await redis.set("kept", "1")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        results = await asyncio.gather(*(redis.get("kept") for _ in range(20)), return_exceptions=True)
        assert any(isinstance(result, LateError) for result in results)
        assert all(isinstance(result, REDIS_ERRORS) for result in results)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert await redis.get("kept") == b"1"


async def test_a_server_that_takes_connections_and_says_nothing_is_late_for_all_at_once() -> None:
    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        async with open_redis(f"redis://127.0.0.1:{port}", timeout=LATE_SECONDS) as client, asyncio.timeout(5):
            results = await asyncio.gather(*(client.get("a") for _ in range(50)), return_exceptions=True)
            assert all(isinstance(result, REDIS_ERRORS) for result in results)
            assert len(held) <= 2
            asked = asyncio.ensure_future(client.get("a"))
            await asyncio.sleep(0)
        with pytest.raises(REDIS_ERRORS):
            await asked
        for writer in held:
            writer.close()


async def test_a_caller_cancelled_while_connecting_does_not_delay_others(server: Child, layout: Layout) -> None:
    async with open_redis(url(layout, STATE)) as client:
        asked = [asyncio.ensure_future(client.incr("opened")) for _ in range(5)]
        await asyncio.sleep(0)
        asked[0].cancel()
        assert sorted(await asyncio.gather(*asked[1:])) == [1, 2, 3, 4]
        assert await _connections(client) == 1


async def test_stateful_commands_need_a_connection_of_their_own(redis: Redis) -> None:
    execute: Callable[..., Awaitable[object]] = redis.execute_command
    for command in (("SELECT", 1), ("CLIENT REPLY", "OFF"), ("MULTI",)):
        with pytest.raises(DataError):
            await execute(*command)
    async with redis.client() as own:
        await own.select(1)
        await own.set("there", "1")
    assert await redis.get("there") is None
    with pytest.raises(DataError):
        await redis.get("\ud800")


async def test_close_fails_commands_in_flight(server: Child, layout: Layout) -> None:
    client = open_redis(url(layout, STATE))
    await client.ping()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        asked = asyncio.ensure_future(client.get("a"))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(REDIS_ERRORS):
            await asked
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_the_password_and_the_database_of_the_address_are_used(redis: Redis, layout: Layout) -> None:
    password = uuid4().hex
    await redis.config_set("requirepass", password)
    address = url(layout, STATE).replace("db=0", "db=3")
    async with open_redis(address) as stranger:
        for _ in range(2):
            with pytest.raises(REDIS_ERRORS):
                await stranger.get("there")
    async with open_redis(f"{address}&password={password}") as client:
        await client.set("there", "1")
        assert (await client.info("keyspace"))["db3"]["keys"] == 1
        await client.config_set("requirepass", "")


async def test_close_leaves_no_connection_whenever_it_comes(redis: Redis, layout: Layout) -> None:
    await redis.ping()
    for turns in range(100):  # of the event loop: the client is closed at every step of opening its connection
        client = open_redis(url(layout, STATE))
        asked = asyncio.ensure_future(client.get("a"))
        for _ in range(turns):
            await asyncio.sleep(0)
        asked.cancel()
        await client.aclose()
        await asyncio.wait([asked])
        await until(lambda: _are(1, redis))
