"""Live logs: a former owner is refused by Redis itself, and a slow viewer loses and repeats nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from redis.asyncio import Redis

from basechat.infra.encryption import Encryptor
from basechat.infra.events.entry import STARTED_ID, RunLogEntry, fields, log_key, read_entries
from basechat.infra.events.run_log import LONGEST_DELTA
from basechat.infra.events.tail import EventTail, Subscription
from basechat.infra.events.writer import LogWriter
from basechat.infra.redis import as_bytes, open_redis
from basechat.kit import json
from basechat.kit.ids import new_id
from basechat.kit.tasks import cancel_and_wait
from basechat.protocol import ToolAnswered
from tests.support.stack import Stack
from tests.support.waiting import until


@pytest.fixture
async def state(stack: Stack) -> AsyncIterator[Redis]:
    """A client of redis-state."""
    async with open_redis(stack.resources.settings.state_redis_url) as client:
        yield client


SEALING = Encryptor([bytes(32)])


async def _begin(state: Redis, run: UUID) -> None:
    """Begin a log, as main-backend does where a run is accepted."""
    key = log_key(run)
    await state.xadd(key, fields(RunLogEntry(STARTED_ID, "run.started", b"{}"), key, SEALING), id=STARTED_ID)


async def _entries(state: Redis, run: UUID) -> list[RunLogEntry]:
    return read_entries(await state.xrange(log_key(run)), log_key(run), SEALING)


class Writers:
    """Writers that send until the test ends, each like a worker of its own."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack

    async def __call__(self) -> LogWriter:
        """Start another one."""
        client = await self._stack.enter_async_context(open_redis(self._url, max_connections=1))
        writer = LogWriter(client, SEALING)
        task = asyncio.create_task(writer.run())
        self._stack.push_async_callback(cancel_and_wait, task)
        return writer


@pytest.fixture
async def writers(stack: Stack) -> AsyncIterator[Writers]:
    """What starts writers."""
    async with AsyncExitStack() as exits:
        yield Writers(stack.resources.settings.state_redis_url, exits)


async def _log(state: Redis, run: UUID) -> list[tuple[str, str, str]]:
    entries = await _entries(state, run)
    return [(entry.id, entry.event, json.loads(entry.data).get("text")) for entry in entries]


async def _until(state: Redis, run: UUID, text: str | None) -> list[tuple[str, str, str]]:
    """Wait until the log ends with an entry of this text."""

    async def ends() -> bool:
        entries = await _log(state, run)
        return bool(entries) and entries[-1][2] == text

    await until(ends)
    return await _log(state, run)


async def test_text_is_gathered_into_deltas_with_their_offsets(state: Redis, writers: Writers) -> None:
    run, writer = new_id(), await writers()
    await _begin(state, run)
    log = writer.open(run, 1)
    for n in range(500):
        log.write(f"가{n} ")
    entries = await _until(state, run, log.text)
    assert entries[1:] == [("1-1", "message.delta", log.text)]
    log.write("end")
    assert (await _until(state, run, "end"))[-1][0] == "1-2"
    data = (await _entries(state, run))[-1].data
    assert json.loads(data)["at"] == log.length - 3


async def test_a_long_text_is_sent_in_pieces(state: Redis, writers: Writers) -> None:
    run, writer = new_id(), await writers()
    await _begin(state, run)
    text = "가" * (2 * LONGEST_DELTA) + "end"
    writer.open(run, 1).write(text)
    await _until(state, run, "end")
    deltas = [json.loads(entry.data) for entry in (await _entries(state, run))[1:]]
    assert [delta["at"] for delta in deltas] == [0, LONGEST_DELTA, 2 * LONGEST_DELTA]
    assert "".join(delta["text"] for delta in deltas) == text


async def test_a_former_attempt_is_refused_and_knows_it(state: Redis, writers: Writers) -> None:
    run, zombie, successor = new_id(), await writers(), await writers()
    await _begin(state, run)
    old, new = zombie.open(run, 1), successor.open(run, 2)
    new.reset()
    assert (await _until(state, run, ""))[-1] == ("2-1", "message.reset", "")
    new.write("new")
    before = await _until(state, run, "new")
    old.write("old")

    async def knows() -> bool:
        return old.fenced

    await until(knows)
    assert await _log(state, run) == before
    assert not new.fenced


async def test_a_log_that_was_lost_tells_of_tools_again(state: Redis, writers: Writers) -> None:
    run, writer = new_id(), await writers()
    await _begin(state, run)
    log = writer.open(run, 1)
    log.write("one ")
    log.emit(ToolAnswered(call_id="c", ok=True, preview="42", cached=False))
    log.write("two ")
    await _until(state, run, "two ")
    await state.delete(log_key(run))
    log.write("three")
    entries = [(event, text) for _, event, text in await _until(state, run, None)]
    assert entries == [("message.reset", "one two three"), ("tool.result", None)]


async def test_two_attempts_of_one_worker_are_two_logs(state: Redis, writers: Writers) -> None:
    run, writer = new_id(), await writers()
    await _begin(state, run)
    old = writer.open(run, 1)
    old.write("old")
    await _until(state, run, "old")
    new = writer.open(run, 2)
    new.write("new")
    old.write("er")
    entries = await _until(state, run, "new")
    assert next(entry[1] for entry in entries if entry[0].startswith("2-")) == "message.reset"


async def test_an_earlier_attempt_of_the_same_worker_does_not_create_a_lost_log_again(
    state: Redis, writers: Writers
) -> None:
    run, writer = new_id(), await writers()
    await _begin(state, run)
    old = writer.open(run, 1)
    old.write("old")
    await _until(state, run, "old")
    new = writer.open(run, 2)
    new.write("one ")
    await _until(state, run, "one ")
    await state.delete(log_key(run))
    old.write("er")
    await writer.drain(timeout=10)
    assert await _log(state, run) == []
    new.write("two")
    assert await _until(state, run, "one two") == [("2-3", "message.reset", "one two")]


async def test_a_lost_log_restarts_with_the_whole_text(state: Redis, writers: Writers) -> None:
    run, writer = new_id(), await writers()
    await _begin(state, run)
    log = writer.open(run, 1)
    log.write("one ")
    await _until(state, run, "one ")
    await state.delete(log_key(run))
    log.write("two")
    entries = await _until(state, run, "one two")
    assert [entry[1] for entry in entries] == ["message.reset"]
    assert await state.ttl(log_key(run)) > 3600


@pytest.fixture
async def tail(stack: Stack) -> AsyncIterator[EventTail]:
    """A tail that reads."""
    url = stack.resources.settings.state_redis_url
    async with open_redis(url) as client, open_redis(url, max_connections=1) as reader:
        tail = EventTail(client, reader, SEALING)
        task = asyncio.create_task(tail.run())
        yield tail
        await cancel_and_wait(task)


async def _append(state: Redis, run: UUID, numbers: range) -> None:
    async with state.pipeline(transaction=False) as pipeline:
        for number in numbers:
            entry = RunLogEntry(f"1-{number}", "message.delta", b"{}")
            pipeline.xadd(log_key(run), fields(entry, log_key(run), SEALING), id=entry.id)
        await pipeline.execute()


async def _read(viewer: Subscription, last: int) -> list[str]:
    ids: list[str] = []
    async with asyncio.timeout(10):
        while not ids or ids[-1] != f"1-{last}":
            ids += [entry.id for entry in await viewer.next(timeout=1)]
    return ids


async def test_a_slow_viewer_loses_and_repeats_nothing(state: Redis, tail: EventTail) -> None:
    run = new_id()
    with tail.follow(run, after="0-0") as slow, tail.follow(run, after="0-0") as fast:
        await _append(state, run, range(1, 101))
        assert len(await _read(slow, 100)) == 100
        for begin in range(101, 3001, 500):  # more than a viewer's buffer holds
            await _append(state, run, range(begin, min(begin + 500, 3001)))
            await _read(fast, min(begin + 499, 3000))
        assert await _read(slow, 3000) == [f"1-{n}" for n in range(101, 3001)]
        await _append(state, run, range(3001, 3011))
        assert await _read(slow, 3010) == await _read(fast, 3010) == [f"1-{n}" for n in range(3001, 3011)]


async def test_a_viewer_that_comes_late_replays_and_then_follows(state: Redis, tail: EventTail) -> None:
    run = new_id()
    await _append(state, run, range(1, 1201))
    with tail.follow(run, after="1-5") as viewer:
        replayed: list[str] = []
        while page := await viewer.replay():
            replayed += [entry.id for entry in page]
        assert replayed == [f"1-{n}" for n in range(6, 1201)]
        await _append(state, run, range(1201, 1204))
        assert await _read(viewer, 1203) == ["1-1201", "1-1202", "1-1203"]


async def test_silence_ends_after_its_time(tail: EventTail) -> None:
    with tail.follow(new_id(), after="0-0") as viewer:
        assert await viewer.next(timeout=0.05) == []


async def test_entries_in_redis_are_encrypted_and_bound_to_their_log(state: Redis, writers: Writers) -> None:
    run, other, writer = new_id(), new_id(), await writers()
    await _begin(state, run)
    writer.open(run, 1).write("비밀 secret")
    await _until(state, run, "비밀 secret")
    stored = await state.xrange(log_key(run)) or []
    data = b"".join(as_bytes((values or {})[b"d"]) for _, values in stored)
    assert "비밀".encode() not in repr(stored).encode() + data
    assert b"secret" not in data
    assert read_entries(stored, log_key(other), SEALING) == []
    assert read_entries(stored, log_key(run), Encryptor([bytes([1]) * 32])) == []
    assert len(read_entries(stored, log_key(run), Encryptor([bytes([1]) * 32, bytes(32)]))) == 2
