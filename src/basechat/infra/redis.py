"""The two Redis servers: how a client of each is made."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisClusterException, RedisError

from basechat.infra.shared_redis import SharedRedis
from basechat.kit.config import Settings

# What a Redis server may answer that is away, or that can't write now (READONLY, MISCONF, OOM, NOREPLICAS).
REDIS_ERRORS = (RedisError, RedisClusterException, OSError)

CacheClient = Redis | RedisCluster
"""A client of the cache server, or of the cluster that is one."""

__all__ = ["REDIS_ERRORS", "CacheClient", "as_bytes", "open_cache", "open_cache_at", "open_redis"]


def as_bytes(reply: bytes | str | None) -> bytes:
    """Return a reply as what it is: our clients decode none, the library's types allow for both."""
    if not isinstance(reply, bytes):
        raise TypeError(type(reply).__name__)
    return reply


def open_cache(settings: Settings) -> CacheClient:
    """Return a client of the cache server of the settings; nothing is connected yet."""
    return open_cache_at(settings.cache_redis_url, is_cluster=settings.redis_cluster)


def open_cache_at(url: str, *, is_cluster: bool) -> CacheClient:
    """Return a client of the cache server at `url`, or of the cluster that it belongs to; nothing is connected yet."""
    return _open_cluster(url) if is_cluster else open_redis(url)


def open_redis(url: str, *, timeout: float = 2.0, max_connections: int = 64, retries: int = 1) -> Redis:
    """Return a client of the server at `url`; nothing is connected yet.

    `max_connections` are for pipelines and commands that block, which are sent again where their connection was closed,
    so many times.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), retries),
    )
    return SharedRedis(connection_pool=pool)


def _open_cluster(url: str, *, timeout: float = 2.0, max_connections: int = 64) -> RedisCluster:
    """Return a client that learns the other nodes from the one at `url`, again whenever they change."""
    return RedisCluster.from_url(
        url,
        require_full_coverage=False,  # what the other nodes hold is a cache still
        max_connections=max_connections,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), 1),
    )
