"""How often something may be tried: counted in redis-state, per process where that is away."""

import logging
import math
import time
from collections import OrderedDict, deque
from dataclasses import dataclass

from redis.asyncio import Redis

from basechat.infra.redis import REDIS_ERRORS
from basechat.kit.errors import RateLimitedError

log = logging.getLogger(__name__)

_KEPT_LOCALLY = 10_000  # keys; those of longest ago go first

# The times of the last attempts, newest first: another one may be where the last of them is old enough.
_TRY = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local first = redis.call('LINDEX', KEYS[1], ARGV[1] - 1)
if first and now - first < tonumber(ARGV[2]) then
    return math.ceil(first + ARGV[2] - now)
end
redis.call('LPUSH', KEYS[1], string.format('%.6f', now))
redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 0
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts within so many seconds, whichever these are."""

    attempts: int
    seconds: int


class RateLimiter:
    """Counts attempts; those that are refused don't count."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._try = redis.register_script(_TRY)
        self._local: OrderedDict[str, deque[float]] = OrderedDict()

    async def try_once(self, limit: Limit, *key: str) -> int | None:
        """Count one attempt and return None; where there were enough, return the seconds until one may be.

        Asking and counting are one step, so that many attempts at once are no way around the limit.
        """
        name = _name(key)
        try:
            return int(await self._try(keys=[name], args=[limit.attempts, limit.seconds])) or None
        except REDIS_ERRORS as error:
            log.warning("limits are counted per process: %s", error)
            return self._try_here(limit, name)

    async def require(self, limit: Limit, *key: str, detail: str, code: str | None = None) -> None:
        """Count one attempt; raises `RateLimitedError` where the limit is reached."""
        seconds = await self.try_once(limit, *key)
        if seconds is not None:
            raise RateLimitedError(detail, code=code, headers={"retry-after": str(seconds)})

    async def forget(self, *key: str) -> None:
        """Forget the attempts counted."""
        name = _name(key)
        self._local.pop(name, None)
        try:
            await self._redis.delete(name)
        except REDIS_ERRORS as error:
            log.warning("attempts can't be forgotten: %s", error)

    def _try_here(self, limit: Limit, name: str) -> int | None:
        now, times = time.monotonic(), self._local.pop(name, deque[float]())
        self._local[name] = times
        if len(self._local) > _KEPT_LOCALLY:
            self._local.popitem(last=False)
        while len(times) >= limit.attempts:
            left = times[0] + limit.seconds - now
            if left > 0:
                return math.ceil(left)
            times.popleft()
        times.append(now)
        return None


def _name(key: tuple[str, ...]) -> str:
    return ":".join(("ratelimit", *key))
