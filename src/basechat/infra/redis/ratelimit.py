"""Rate limits, counted in redis-state, or in this process while redis-state is unreachable."""

import logging
import math
import time
from collections import OrderedDict, deque
from dataclasses import dataclass

from basechat.infra.redis.client import REDIS_ERRORS, Redis
from basechat.infra.redis.scripts import load_script
from basechat.kit.errors import RateLimitedError

log = logging.getLogger(__name__)

_LOCAL_KEYS = 10_000  # beyond, the oldest are evicted
_COUNT = load_script("basechat.infra.redis", "ratelimit")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many attempts in any window of so many seconds."""

    attempts: int
    seconds: int


class RateLimiter:
    """Counts attempts. Denied attempts do not count."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._count = redis.register_script(_COUNT)
        self._local: OrderedDict[str, deque[float]] = OrderedDict()

    async def require(self, limit: RateLimit, *key: str, detail: str, code: str | None = None) -> None:
        """Count one attempt; raises `RateLimitedError` with this sentence beyond the limit."""
        seconds = await self.try_once(limit, *key)
        if seconds is not None:
            raise RateLimitedError(detail, code=code, headers={"retry-after": str(seconds)})

    async def try_once(self, limit: RateLimit, *key: str) -> int | None:
        """Count one attempt and return None; beyond the limit, return the seconds until the next is allowed.

        The check and the count are one step, so that concurrent attempts can't exceed the limit.
        """
        name = _name(key)
        try:
            return int(await self._count(keys=[name], args=[limit.attempts, limit.seconds])) or None
        except REDIS_ERRORS as error:
            log.warning("rate limits are counted per process: %s", error)
            return self._count_locally(limit, name)

    async def forget(self, *key: str) -> None:
        name = _name(key)
        self._local.pop(name, None)
        try:
            await self._redis.delete(name)
        except REDIS_ERRORS as error:
            log.warning("attempts can't be deleted: %s", error)

    def _count_locally(self, limit: RateLimit, name: str) -> int | None:
        now, times = time.monotonic(), self._local.pop(name, deque[float]())
        self._local[name] = times
        if len(self._local) > _LOCAL_KEYS:
            self._local.popitem(last=False)
        while len(times) >= limit.attempts:
            remaining = times[0] + limit.seconds - now
            if remaining > 0:
                return math.ceil(remaining)
            times.popleft()
        times.append(now)
        return None


def _name(key: tuple[str, ...]) -> str:
    return ":".join(("ratelimit", *key))
