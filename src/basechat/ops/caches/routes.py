"""HTTP routes of the caches: health for all accounts; figures and emptying for administrators."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from basechat.identity.access import AdminCaller, AnyCaller, ClientDep
from basechat.identity.audit import record
from basechat.infra.cache.keyspace import Keyspace, clear, measure
from basechat.infra.cache.layers import LAYERS
from basechat.infra.cache.servers import ServerState, are_one, find_state, notices
from basechat.infra.metrics.minutes import total
from basechat.infra.redis import REDIS_ERRORS, CacheClient
from basechat.infra.web.depends import ResourcesDep
from basechat.kit.errors import UnavailableError
from basechat.ops.caches.history import History, layer_figures, read_history
from basechat.ops.caches.schemas import (
    CacheCleared,
    CacheHealth,
    CacheHour,
    CacheLayer,
    CacheMemory,
    CacheNotice,
    CacheServer,
    CacheStats,
)

router = APIRouter(prefix="/cache", tags=["cache"])

MEASURE_SECONDS = 10.0


@router.get("/health")
async def cache_health(_caller: AnyCaller, resources: ResourcesDep) -> CacheHealth:
    """Health of the cache server and redis-state, with notices about their configuration."""
    cache, state = await asyncio.gather(find_state(resources.cache), find_state(resources.state))
    return CacheHealth(
        status="ok" if cache and state else "degraded",
        cache=_server(cache),
        state=_server(state),
        one_server=are_one(cache, state),
        notices=[CacheNotice(code=each.code, detail=each.detail) for each in notices(cache, state)],
    )


@router.get("/stats")
async def cache_stats(
    _caller: AdminCaller,
    resources: ResourcesDep,
    hours: Annotated[int, Query(ge=1, le=48, description="Number of hours, including the present one.")] = 24,
) -> CacheStats:
    """Hits, misses and savings of each layer hour by hour, and its size."""
    until = int(time.time() // 3600)
    (server, keyspace), history = await asyncio.gather(
        _find_sizes(resources.cache),
        read_history(resources.database, resources.state, "cache.", until=until, hours=hours),
    )
    return CacheStats(
        hours=hours,
        layers=[_layer(layer.name, history, keyspace) for layer in LAYERS],
        server=_memory(server),
        estimated=keyspace is not None and keyspace.is_estimate,
        up_to_date=history.is_fresh,
    )


@router.delete("/invalidate/{layer}")
async def invalidate_cache(
    layer: Literal["llm", "mcp", "intent", "all"], caller: AdminCaller, client: ClientDep, resources: ResourcesDep
) -> CacheCleared:
    """Remove all entries of one layer or of all layers. Other data on the same server stays."""
    # The entry comes first: an action must never be missing in the audit log.
    async with resources.database.system_transaction() as connection:
        await record(connection, "cache.invalidate", actor_id=caller.user_id, subject=layer, address=client.address)
    try:
        removed = await clear(resources.cache, [each for each in LAYERS if layer in {"all", each.name}])
    except REDIS_ERRORS as error:
        raise UnavailableError("The cache server does not answer. Try again.", code="cache.unavailable") from error
    return CacheCleared(layer=layer, removed=removed)


async def _find_sizes(cache: CacheClient) -> tuple[ServerState | None, Keyspace | None]:
    """Memory of the server and sizes of the layers; None for values that the server does not return in time."""
    server = await find_state(cache)
    if server is None:
        return None, None
    try:
        async with asyncio.timeout(MEASURE_SECONDS):
            return server, await measure(cache)
    except (*REDIS_ERRORS, TimeoutError):
        return server, None


def _server(state: ServerState | None) -> CacheServer:
    return CacheServer(status="ok" if state else "down", policy=state.policy if state else None)


def _memory(state: ServerState | None) -> CacheMemory:
    if state is None:
        return CacheMemory(status="down", nodes=0, policy=None, used_memory=0, max_memory=0, evicted_keys=0)
    return CacheMemory(
        status="ok",
        nodes=state.nodes,
        policy=state.policy,
        used_memory=state.used_memory,
        max_memory=state.max_memory,
        evicted_keys=state.evicted_keys,
    )


def _layer(name: str, history: History, keyspace: Keyspace | None) -> CacheLayer:
    figures = layer_figures(name, total(history.hours.values()))
    size = keyspace.layers[name] if keyspace else None
    return CacheLayer(
        layer=name,
        **asdict(figures),
        hit_rate=figures.hit_rate,
        keys=size.keys if size else None,
        bytes=size.bytes if size else None,
        by_hour=[_hour(name, hour, sums) for hour, sums in sorted(history.hours.items())],
    )


def _hour(name: str, hour: int, sums: Mapping[str, float]) -> CacheHour:
    figures = layer_figures(name, sums)
    return CacheHour(
        hour=datetime.fromtimestamp(hour * 3600, UTC),
        hits=figures.hits,
        misses=figures.misses,
        hit_rate=figures.hit_rate,
    )
