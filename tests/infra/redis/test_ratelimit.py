"""Limits hold among attempts at once, end by themselves, and are kept per process where redis-state is away."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from basechat.infra.redis import open_redis
from basechat.infra.redis.ratelimit import RateLimit, RateLimiter
from basechat.kit.errors import RateLimitedError
from tests.support.stack import Servers

HOUR = 3600


@pytest.fixture(params=["shared", "per process"])
async def limiter(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[RateLimiter]:
    """A limiter on redis-state, and one whose redis-state is away."""
    here = servers.settings().state_redis_url
    redis = open_redis(here if request.param == "shared" else "redis://127.0.0.1:9")
    yield RateLimiter(redis)
    await redis.aclose()


async def test_attempts_beyond_the_limit_are_denied(limiter: RateLimiter) -> None:
    key, limit = uuid4().hex, RateLimit(5, HOUR)
    answers = await asyncio.gather(*(limiter.try_once(limit, "test", key) for _ in range(20)))
    assert answers.count(None) == 5
    assert {answer for answer in answers if answer is not None} <= {HOUR - 1, HOUR}
    assert await limiter.try_once(limit, "test", uuid4().hex) is None


async def test_forgotten_attempts_do_not_count(limiter: RateLimiter) -> None:
    key, limit = uuid4().hex, RateLimit(1, HOUR)
    assert await limiter.try_once(limit, "test", key) is None
    assert await limiter.try_once(limit, "test", key) is not None
    await limiter.forget("test", key)
    assert await limiter.try_once(limit, "test", key) is None


async def test_refused_attempts_do_not_lengthen_the_wait(limiter: RateLimiter) -> None:
    key, limit = uuid4().hex, RateLimit(1, 1)
    assert await limiter.try_once(limit, "test", key) is None
    async with asyncio.timeout(10):
        while (wait := await limiter.try_once(limit, "test", key)) is not None:
            assert wait == 1


async def test_all_processes_share_one_count(servers: Servers) -> None:
    key, limit = uuid4().hex, RateLimit(3, HOUR)
    clients = [open_redis(servers.settings().state_redis_url) for _ in range(4)]
    answers = [await RateLimiter(client).try_once(limit, "test", key) for client in clients]
    assert answers.count(None) == 3
    for client in clients:
        await client.aclose()


async def test_an_attempt_that_is_required_fails_beyond_the_limit(limiter: RateLimiter) -> None:
    key, limit = uuid4().hex, RateLimit(1, HOUR)
    await limiter.require(limit, "test", key, detail="Too often.")
    with pytest.raises(RateLimitedError, match="Too often") as caught:
        await limiter.require(limit, "test", key, detail="Too often.", code="test.rate_limited")
    assert caught.value.code == "test.rate_limited"
    assert int(caught.value.headers["retry-after"]) in range(HOUR - 5, HOUR + 1)
