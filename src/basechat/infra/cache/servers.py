"""State and configuration of the two Redis servers, from their INFO."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from basechat.infra.cache.keyspace import primaries
from basechat.infra.redis import REDIS_ERRORS, CacheClient

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """State of a server, or of all primaries of a cluster together. Memory is in bytes; 0 means no limit."""

    nodes: int
    used_memory: int
    max_memory: int
    policy: str
    evicted_keys: int
    identity: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A configuration that should be changed: a stable code, and a sentence that says how."""

    code: str
    detail: str


async def find_state(client: CacheClient) -> ServerState | None:
    # State of a server, or None if it does not answer in time. Hosted servers may report less.
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            infos = [await primary.info() for primary in await primaries(client)]
    except (*REDIS_ERRORS, TimeoutError):
        return None
    return ServerState(
        nodes=len(infos),
        used_memory=sum(info.get("used_memory", 0) for info in infos),
        max_memory=sum(info.get("maxmemory", 0) for info in infos),
        policy=", ".join(sorted({info.get("maxmemory_policy", "unknown") for info in infos})),
        evicted_keys=sum(info.get("evicted_keys", 0) for info in infos),
        identity=frozenset(info["run_id"] for info in infos if "run_id" in info),
    )


def are_one(cache: ServerState | None, state: ServerState | None) -> bool | None:
    return None if cache is None or state is None else bool(cache.identity & state.identity)


def notices(cache: ServerState | None, state: ServerState | None) -> Sequence[Notice]:
    found = []
    one = are_one(cache, state)
    if one:
        found.append(Notice(code="redis.shared", detail=_SHARED))
    if cache and not one and not cache.policy.startswith("allkeys-"):
        found.append(Notice(code="redis.policy", detail=_CACHE_POLICY.format(cache.policy)))
    if cache and not one and not cache.max_memory:
        found.append(Notice(code="redis.unbounded", detail=_UNBOUNDED))
    if state and state.policy != "noeviction":
        found.append(Notice(code="redis_state.policy", detail=_STATE_POLICY.format(state.policy)))
    return found


_SHARED = (
    "REDIS_URL and REDIS_STATE_URL are one server. That is for development only: it must have `maxmemory-policy"
    " noeviction`, so full caches prevent live answers from being written. Give the caches their own server."
)
_CACHE_POLICY = (
    "The cache server's `maxmemory-policy` is {}: when full, it stores no new answers. Set it to allkeys-lru."
)
_UNBOUNDED = "The cache server has no `maxmemory`, so it may use all memory of the machine. Set one."
_STATE_POLICY = (
    "redis-state's `maxmemory-policy` is {}: when full, it evicts sign-ins and live answers. Set noeviction."
)
