"""How the two Redis servers are set up and doing, as they tell it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from basechat.infra.cache.primaries import primaries
from basechat.infra.redis import REDIS_ERRORS, CacheClient

PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What a server, or all primaries of a cluster together, tell of themselves; memory in bytes, 0 for no bound."""

    nodes: int
    used_memory: int
    max_memory: int
    policy: str
    evicted_keys: int
    identity: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that should be set up otherwise: a stable code, and a sentence with what to do."""

    code: str
    detail: str


async def find_state(client: CacheClient) -> ServerState | None:
    """Return how a server is doing, or None where it does not answer in time. Hosted ones may tell less than others."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            told = [await primary.info() for primary in await primaries(client)]
    except (*REDIS_ERRORS, TimeoutError):
        return None
    return ServerState(
        nodes=len(told),
        used_memory=sum(info.get("used_memory", 0) for info in told),
        max_memory=sum(info.get("maxmemory", 0) for info in told),
        policy=", ".join(sorted({info.get("maxmemory_policy", "unknown") for info in told})),
        evicted_keys=sum(info.get("evicted_keys", 0) for info in told),
        identity=frozenset(info["run_id"] for info in told if "run_id" in info),
    )


def are_one(cache: ServerState | None, state: ServerState | None) -> bool | None:
    """Return whether one server is both; None where that is not known."""
    return None if cache is None or state is None else bool(cache.identity & state.identity)


def notices(cache: ServerState | None, state: ServerState | None) -> Sequence[Notice]:
    """Return what should be set up otherwise."""
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
    "REDIS_URL and REDIS_STATE_URL are one server, which is for development: it must have `maxmemory-policy"
    " noeviction`, and full caches then keep live answers from being written. Give the caches a server of their own."
)
_CACHE_POLICY = (
    "The cache server's `maxmemory-policy` is {}: full, it refuses to store new answers. Set it to allkeys-lru."
)
_UNBOUNDED = "The cache server has no `maxmemory`, so that it may take all of the machine's. Set one."
_STATE_POLICY = (
    "redis-state's `maxmemory-policy` is {}: full, it throws sign-ins and live answers away. Set noeviction."
)
