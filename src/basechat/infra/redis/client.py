"""Clients of the two Redis servers. No client connects before its first command."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.typing import EncodableT

from basechat.infra.redis.shared import SharedRedis
from basechat.kit.config import Settings

# Errors of a server that is unreachable, or that can't write now (READONLY, MISCONF, OOM, NOREPLICAS).
REDIS_ERRORS = (RedisError, RedisClusterException, OSError)

CacheClient = Redis | RedisCluster
"""A client of the cache server, or of a cluster in its place."""

__all__ = [
    "REDIS_ERRORS",
    "CacheClient",
    "EncodableT",
    "Pipeline",
    "Redis",
    "as_bytes",
    "open_cache",
    "open_cache_at",
    "open_redis",
]


def as_bytes(reply: bytes | str | None) -> bytes:
    # Narrow the type of a reply: our clients decode nothing, while the library's types allow text.
    if not isinstance(reply, bytes):
        raise TypeError(type(reply).__name__)
    return reply


def open_cache(settings: Settings) -> CacheClient:
    return open_cache_at(settings.cache_redis_url, is_cluster=settings.redis_cluster)


def open_cache_at(url: str, *, is_cluster: bool) -> CacheClient:
    """Client of the cache server at `url`, or of the cluster that this server belongs to."""
    return _open_cluster(url) if is_cluster else open_redis(url)


def open_redis(url: str, *, timeout: float = 2.0, max_connections: int = 64, retries: int = 1) -> Redis:
    """Client of the server at `url`.

    `max_connections` and `retries` are for pipelines and blocking commands. A retry follows a broken connection.
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
    """Client that learns the nodes of the cluster from the node at `url`, and again whenever they change."""
    return RedisCluster.from_url(
        url,
        require_full_coverage=False,  # the nodes that remain are still useful as a cache
        max_connections=max_connections,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), 1),
    )
