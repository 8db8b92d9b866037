"""Counters are rolled up into PostgreSQL once, by any number of workers, and a loss of Redis never lowers them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from basechat.infra.db import open_database
from basechat.infra.metrics.counters import Counters
from basechat.infra.metrics.minutes import Flusher, minute_key
from basechat.infra.migrate import upgrade
from basechat.infra.redis import open_redis
from basechat.kit.config import Settings
from basechat.kit.tasks import cancel_and_wait
from basechat.ops.caches.history import read_history
from basechat.ops.rollup import RollUp
from tests.support.databases import as_owner, own_database
from tests.support.own import quiet_stack
from tests.support.plans import explain, statements
from tests.support.stack import Servers
from tests.support.waiting import until
from tests.upstream import Upstream

HOUR = 500_000  # hours since the epoch: 2027, when other tests count nothing


class Site:
    """A database of its own, redis-state, and a clock at the beginning of an hour."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.minute = HOUR * 60
        self.database = open_database(settings)
        self.state = open_redis(settings.state_redis_url)
        self.counters = Counters(clock=self.clock)
        self.flusher = Flusher(self.counters, self.state)

    def clock(self) -> float:
        return self.minute * 60.0

    def roll_up(self) -> RollUp:
        return RollUp(self.database, self.state, clock=self.clock)

    async def count(self, **counted: float) -> None:
        for name, value in counted.items():
            self.counters.add(name, value)
        await self.flusher.flush()

    async def empty(self) -> None:
        """Delete all counters."""
        await self.state.delete(*map(minute_key, range(HOUR * 60, self.minute + 1)))

    async def hours(self) -> dict[tuple[int, str], float]:
        """The stored values by hour (after the first) and name."""
        rows = await as_owner(
            self.settings, "SELECT extract(epoch FROM hour) / 3600, name, value FROM metrics_hourly ORDER BY hour, name"
        )
        return {(int(hour) - HOUR, name): float(value) for hour, name, value in rows}


@pytest.fixture
async def site(servers: Servers) -> AsyncIterator[Site]:
    """A site without counters."""
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(own_database(servers))
        await upgrade(settings)
        site = Site(settings)
        stack.push_async_callback(site.database.close)
        stack.push_async_callback(site.state.aclose)
        yield site
        site.minute += 60
        await site.empty()


async def test_each_hour_is_the_sum_of_its_minutes(site: Site) -> None:
    await site.count(calls=2, cost=0.125)
    site.minute += 59
    await site.count(calls=3)
    site.minute += 1
    await site.count(calls=5)
    await site.roll_up().round()
    assert await site.hours() == {(0, "calls"): 5, (0, "cost"): 0.125, (1, "calls"): 5}


async def test_concurrent_roll_ups_count_once(site: Site) -> None:
    for _ in range(3):
        await site.count(**{f"n{n}": n + 1 for n in range(20)})
        site.minute += 1
    await asyncio.gather(*(site.roll_up().round() for _ in range(4)))
    await site.roll_up().round()
    assert await site.hours() == {(0, f"n{n}"): 3 * (n + 1) for n in range(20)}


async def test_an_emptied_redis_lowers_nothing(site: Site) -> None:
    roll_up = site.roll_up()
    await site.count(calls=10)
    site.minute += 20
    await site.count(calls=7)
    await roll_up.round()
    await site.empty()
    await roll_up.round()
    assert await site.hours() == {(0, "calls"): 17}
    await site.count(calls=1)  # into a minute that is known as 7
    site.minute += 1
    await site.count(calls=2)
    await roll_up.round()
    assert await site.hours() == {(0, "calls"): 19}
    await site.roll_up().round()
    assert await site.hours() == {(0, "calls"): 19}


async def test_late_counts_are_added(site: Site) -> None:
    roll_up = site.roll_up()
    await site.count(calls=1)
    site.counters.add("calls")
    site.counters.close_minute()
    site.minute += 119
    await roll_up.round()
    assert await site.hours() == {(0, "calls"): 1}
    await site.flusher.flush()
    await roll_up.round()
    assert await site.hours() == {(0, "calls"): 2}


async def test_hours_without_a_worker_are_rolled_up_later(site: Site) -> None:
    roll_up = site.roll_up()
    await roll_up.round()
    for _ in range(12):
        await site.count(calls=1)
        site.minute += 60
    await roll_up.round()
    assert await site.hours() == {(hour, "calls"): 1 for hour in range(10, 12)} | {
        (hour, "calls"): 1 for hour in range(10)
    }


async def test_old_rows_are_deleted_in_batches_by_the_index(site: Site) -> None:
    await as_owner(
        site.settings,
        """INSERT INTO metrics_hourly (hour, name, value, minutes)
           SELECT date_trunc('hour', now()) - make_interval(hours => h), 'n' || n, 1,
                  CASE WHEN h <= 60 THEN ARRAY[1.0] END
           FROM unnest(ARRAY[1, 60, 9000, 10000, 11000]) AS h, generate_series(1, 800) AS n""",
        "ANALYZE metrics_hourly",
    )
    with statements(site.database.system) as seen:
        await site.roll_up().round()
    kept = await as_owner(
        site.settings,
        "SELECT count(*), count(minutes), min(hour) > now() - interval '13 months' FROM metrics_hourly",
    )
    assert kept == [(2400, 800, True)]
    deletes = [each for each in seen if "DELETE" in each[0]]
    assert len(deletes) == 2
    plan = str(await as_owner(site.settings, f"EXPLAIN {deletes[0][0]}"))
    assert "Index Scan using pk_metrics_hourly" in plan
    assert "Seq Scan" not in plan


async def test_hours_are_read_by_the_index(site: Site) -> None:
    await as_owner(
        site.settings,
        """INSERT INTO metrics_hourly (hour, name, value)
           SELECT to_timestamp((500000 - h) * 3600), 'cache.n' || n, 1
           FROM generate_series(1, 2000) AS h, generate_series(1, 10) AS n""",
        "ANALYZE metrics_hourly",
    )
    with statements(site.database.system) as seen:
        found = await read_history(site.database, site.state, "cache.", until=HOUR, hours=24)
    assert [sum(sums.values()) for _, sums in sorted(found.hours.items())] == [10] * 23 + [0]
    plan = await explain(site.database.system, seen[-1])
    assert "pk_metrics_hourly" in plan
    assert "Seq Scan" not in plan


async def test_workers_roll_up(servers: Servers, upstream: Upstream) -> None:
    name = f"test.{uuid4().hex}"
    async with quiet_stack(servers, upstream) as quiet, quiet.worker(roll_up_seconds=0.02) as resources:
        resources.counters.add(name, 3)

        async def is_rolled_up() -> bool:
            rows = await as_owner(quiet.settings, "SELECT value FROM metrics_hourly WHERE name = :name", name=name)
            return [float(value) for (value,) in rows] == [3.0]

        await until(is_rolled_up)


async def test_a_roll_up_waits_for_an_unavailable_server(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    async with open_redis("redis://127.0.0.1:9/0") as nowhere:
        task = asyncio.create_task(RollUp(site.database, nowhere, every_seconds=0.02).run())

        async def is_logged_twice() -> bool:
            return sum("trying again" in record.message for record in caplog.records) >= 2

        await until(is_logged_twice)
        assert not task.done()
        await cancel_and_wait(task)
    assert not any(record.exc_info for record in caplog.records)
