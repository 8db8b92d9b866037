"""The two Redis servers: their clients, a circuit breaker, rate limits, and signals to workers."""

from basechat.infra.redis.client import (
    REDIS_ERRORS,
    CacheClient,
    EncodableT,
    Pipeline,
    Redis,
    as_bytes,
    open_cache,
    open_cache_at,
    open_redis,
)
from basechat.infra.redis.scripts import DELETE_IF_EQUAL, load_script

__all__ = [
    "DELETE_IF_EQUAL",
    "REDIS_ERRORS",
    "CacheClient",
    "EncodableT",
    "Pipeline",
    "Redis",
    "as_bytes",
    "load_script",
    "open_cache",
    "open_cache_at",
    "open_redis",
]
