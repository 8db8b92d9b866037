"""The work of `basechat cache`, directly on the Redis servers, and its report. No service has to run."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from basechat.infra.cache.keyspace import Keyspace, clear, measure
from basechat.infra.cache.layers import LAYERS, Layer
from basechat.infra.cache.servers import Notice, ServerState, find_state, notices
from basechat.infra.metrics.minutes import read_minutes, total
from basechat.infra.redis import REDIS_ERRORS, CacheClient, Redis, open_cache_at, open_redis
from basechat.ops.caches.history import LayerFigures, layer_figures

MINUTES = 24 * 60

_COLUMNS = ("layer", "keys", "memory", "hits", "misses", "hit rate", "stored", "errors", "saved")
_UNKNOWN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheServers:
    """Addresses of the two Redis servers."""

    cache_url: str
    state_url: str
    is_cluster: bool = False


class CacheUnavailableError(Exception):
    """The cache server does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheReport:
    """Present sizes, and figures of the last 24 hours (None if redis-state is unavailable)."""

    server: ServerState
    keyspace: Keyspace
    figures: dict[str, LayerFigures] | None
    notices: tuple[Notice, ...]

    def document(self) -> dict[str, Any]:
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


def report(servers: CacheServers) -> CacheReport:
    return asyncio.run(_report(servers))


def remove(servers: CacheServers, layers: Collection[Layer]) -> int:
    """Remove all keys of some layers; returns their number. Raises `CacheUnavailableError`."""
    return asyncio.run(_remove(servers, layers))


def table(report: CacheReport) -> str:
    rows = [_COLUMNS, *_rows(report)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (_line(row, widths) for row in rows)
    return "\n".join([*lines, "", *_remarks(report)])


async def _report(servers: CacheServers) -> CacheReport:
    async with _cache(servers) as cache, open_redis(servers.state_url, max_connections=4) as state:
        server, state_server = await asyncio.gather(find_state(cache), find_state(state))
        if server is None:
            raise CacheUnavailableError
        return CacheReport(
            server=server,
            keyspace=await measure(cache),
            figures=await _figures(state) if state_server else None,
            notices=tuple(notices(server, state_server)),
        )


async def _remove(servers: CacheServers, layers: Collection[Layer]) -> int:
    async with _cache(servers) as cache:
        return await clear(cache, layers)


async def _figures(state: Redis) -> dict[str, LayerFigures]:
    now = int(time.time() // 60)
    sums = total((await read_minutes(state, range(now - MINUTES + 1, now + 1))).values())
    return {layer.name: layer_figures(layer.name, sums) for layer in LAYERS}


@asynccontextmanager
async def _cache(servers: CacheServers) -> AsyncIterator[CacheClient]:
    client = open_cache_at(servers.cache_url, is_cluster=servers.is_cluster)
    try:
        yield client
    except REDIS_ERRORS as error:
        raise CacheUnavailableError(str(error)) from error
    finally:
        await client.aclose()


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = (text.rjust(width) for text, width in zip(row, widths, strict=True))
    return "  ".join([name.strip().ljust(widths[0]), *figures])


def _rows(report: CacheReport) -> Iterator[tuple[str, ...]]:
    about = "~" if report.keyspace.is_estimate else ""
    for layer in LAYERS:
        size = report.keyspace.layers[layer.name]
        begin = (layer.name, f"{about}{size.keys:,}", about + _size(size.bytes))
        if report.figures is None:
            yield begin + (_UNKNOWN,) * (len(_COLUMNS) - len(begin))
            continue
        counts = report.figures[layer.name]
        rate = _UNKNOWN if counts.hit_rate is None else f"{counts.hit_rate:.1%}"
        reads = (f"{counts.hits:,}", f"{counts.misses:,}", rate, f"{counts.stored:,}", f"{counts.errors:,}")
        yield (*begin, *reads, f"{counts.saved_seconds:,.0f} s, ${counts.saved_cost:,.2f}")


def _remarks(report: CacheReport) -> Iterator[str]:
    server = report.server
    limit = f" of {_size(server.max_memory)}" if server.max_memory else ", without a limit"
    nodes = f" on {server.nodes} nodes" if server.nodes > 1 else ""
    used = f"{_size(server.used_memory)}{limit}{nodes}"
    yield f"Cache server: {used}, {server.policy}, {server.evicted_keys:,} evicted."
    if report.figures is None:
        yield "redis-state does not answer, so there are no counts. Keys and memory are present values."
    else:
        yield "Keys and memory are present values. All other figures are of the last 24 hours."
    if report.keyspace.is_estimate:
        yield "~ There are too many keys to count each: the values are estimated from a sample."
    for notice in report.notices:
        yield f"Note: {notice.detail}"


def _size(number: float) -> str:
    """A number of bytes in the unit that suits it. One unit is 1024 of the one before, as in Redis."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
