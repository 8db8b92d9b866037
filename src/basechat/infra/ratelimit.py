"""How often something may be tried: counted in redis-state, per process where that is away."""

import logging
import time

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from basechat.infra.redis import REDIS_AWAY

log = logging.getLogger(__name__)


class RateLimiter:
    """Counts attempts in sliding windows."""

    def __init__(self, redis: Redis) -> None:
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="ratelimit",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]
        )
        self._shared = SlidingWindowCounterRateLimiter(storage)
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def retry_after(self, limit: RateLimitItem, *key: str) -> int | None:
        """Return None while another attempt is allowed, else the seconds until one may be."""
        limiter = await self._limiter()
        if await limiter.test(limit, *key):
            return None
        return max(1, int((await limiter.get_window_stats(limit, *key)).reset_time - time.time()) + 1)

    async def hit(self, limit: RateLimitItem, *key: str) -> None:
        """Count one attempt."""
        await (await self._limiter()).hit(limit, *key)

    async def forget(self, limit: RateLimitItem, *key: str) -> None:
        """Forget the attempts counted."""
        await (await self._limiter()).clear(limit, *key)

    async def _limiter(self) -> SlidingWindowCounterRateLimiter:
        try:
            await self._shared.storage.check()
        except REDIS_AWAY as error:
            log.warning("limits are counted per process: %s", error)
            return self._local
        return self._shared
