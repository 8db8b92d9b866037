"""What `basechat cache` does, beside how it is asked: on the servers themselves, so that no service has to run."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from redis.asyncio import Redis

from basechat.infra.cache.keyspace import Keyspace, clear, measure
from basechat.infra.cache.layers import LAYERS, Layer
from basechat.infra.cache.servers import Notice, ServerState, find_state, notices
from basechat.infra.metrics.minutes import read_minutes, total
from basechat.infra.redis import REDIS_ERRORS, CacheClient, open_cache_at, open_redis
from basechat.ops.caches.figures import LayerFigures, layer_figures

MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Addresses of the two Redis servers."""

    cache_url: str
    state_url: str
    is_cluster: bool = False


class CacheAwayError(Exception):
    """The cache server does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the caches do: sizes now, figures of the last 24 hours (None where redis-state does not answer)."""

    server: ServerState
    keyspace: Keyspace
    figures: dict[str, LayerFigures] | None
    notices: tuple[Notice, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        layers = [
            {"layer": layer.name, **asdict(self.keyspace.layers[layer.name])}
            | ({**asdict(each), "hit_rate": each.hit_rate} if (each := self._figures(layer)) else {})
            for layer in LAYERS
        ]
        server = asdict(self.server)
        del server["identity"]
        return {
            "layers": layers,
            "estimated": self.keyspace.is_estimate,
            "server": server,
            "notices": [asdict(notice) for notice in self.notices],
        }

    def _figures(self, layer: Layer) -> LayerFigures | None:
        return self.figures[layer.name] if self.figures is not None else None


def report(servers: Servers) -> Report:
    """Ask the servers; raises `CacheAwayError`."""
    return asyncio.run(_report(servers))


def remove(servers: Servers, layers: Collection[Layer]) -> int:
    """Remove all keys of some layers; returns how many. Raises `CacheAwayError`."""
    return asyncio.run(_remove(servers, layers))


async def _report(servers: Servers) -> Report:
    async with _cache(servers) as cache, open_redis(servers.state_url, max_connections=4) as state:
        server, state_server = await asyncio.gather(find_state(cache), find_state(state))
        if server is None:
            raise CacheAwayError
        return Report(
            server=server,
            keyspace=await measure(cache),
            figures=await _figures(state) if state_server else None,
            notices=tuple(notices(server, state_server)),
        )


async def _remove(servers: Servers, layers: Collection[Layer]) -> int:
    async with _cache(servers) as cache:
        return await clear(cache, layers)


async def _figures(state: Redis) -> dict[str, LayerFigures]:
    now = int(time.time() // 60)
    sums = total((await read_minutes(state, range(now - MINUTES + 1, now + 1))).values())
    return {layer.name: layer_figures(layer.name, sums) for layer in LAYERS}


@asynccontextmanager
async def _cache(servers: Servers) -> AsyncIterator[CacheClient]:
    client = open_cache_at(servers.cache_url, is_cluster=servers.is_cluster)
    try:
        yield client
    except REDIS_ERRORS as error:
        raise CacheAwayError(str(error)) from error
    finally:
        await client.aclose()
