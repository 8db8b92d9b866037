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

    async def try_once(self, limit: RateLimitItem, *key: str) -> int | None:
        """Count one attempt and return None; where there were enough, return the seconds until one may be.

        Asking and counting are one step, so that many attempts at once are no way around the limit.
        """
        try:
            return await _try_once(self._shared, limit, key)
        except REDIS_AWAY as error:
            log.warning("limits are counted per process: %s", error)
            return await _try_once(self._local, limit, key)

    async def forget(self, limit: RateLimitItem, *key: str) -> None:
        """Forget the attempts counted."""
        await self._local.clear(limit, *key)
        try:
            await self._shared.clear(limit, *key)
        except REDIS_AWAY as error:
            log.warning("attempts can't be forgotten: %s", error)


async def _try_once(limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItem, key: tuple[str, ...]) -> int | None:
    if await limiter.hit(limit, *key):
        return None
    return max(1, int((await limiter.get_window_stats(limit, *key)).reset_time - time.time()) + 1)
