"""A report on the caches as people read it in a terminal."""

from collections.abc import Iterator, Sequence

from basechat.infra.cache.layers import LAYERS
from basechat.ops.caches.command import Report

_COLUMNS = ("layer", "keys", "memory", "hits", "misses", "hit rate", "stored", "errors", "saved")
_UNKNOWN = "-"


def table(report: Report) -> str:
    """Return the text: a line per layer, then what is to be said about all of them."""
    rows = [_COLUMNS, *_rows(report)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (_line(row, widths) for row in rows)
    return "\n".join([*lines, "", *_remarks(report)])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = (text.rjust(width) for text, width in zip(row, widths, strict=True))
    return "  ".join([name.strip().ljust(widths[0]), *figures])


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    about = "~" if report.keyspace.is_estimate else ""
    for layer in LAYERS:
        size = report.keyspace.layers[layer.name]
        begin = (layer.name, f"{about}{size.keys:,}", about + in_bytes(size.bytes))
        if report.figures is None:
            yield begin + (_UNKNOWN,) * (len(_COLUMNS) - len(begin))
            continue
        did = report.figures[layer.name]
        rate = _UNKNOWN if did.hit_rate is None else f"{did.hit_rate:.1%}"
        counts = (f"{did.hits:,}", f"{did.misses:,}", rate, f"{did.stored:,}", f"{did.errors:,}")
        yield (*begin, *counts, f"{did.saved_seconds:,.0f} s, ${did.saved_cost:,.2f}")


def _remarks(report: Report) -> Iterator[str]:
    server = report.server
    bound = f" of {in_bytes(server.max_memory)}" if server.max_memory else ", without a bound"
    nodes = f" on {server.nodes} nodes" if server.nodes > 1 else ""
    used = f"{in_bytes(server.used_memory)}{bound}{nodes}"
    yield f"Cache server: {used}, {server.policy}, {server.evicted_keys:,} evicted."
    if report.figures is None:
        yield "redis-state does not answer, so that there are no counts. Keys and memory are those of now."
    else:
        yield "Keys and memory are those of now, everything else is of the last 24 hours."
    if report.keyspace.is_estimate:
        yield "~ There are too many keys to look at each: estimated by a sample."
    for notice in report.notices:
        yield f"Note: {notice.detail}"


def in_bytes(number: float) -> str:
    """Return a size in the unit that suits it, of which Redis too counts 1024 to the next."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
