"""A hundred streams, each paced by the upstream: the delay of every token at the client."""

import gc
import re
from collections.abc import Iterator

from bench.client import BenchError
from bench.figures import Figure, percentile
from bench.lanes import Stream
from bench.sides import Sides, close

STREAMS = 100
PAUSE_MS = 20
WARM_UP_TOKENS = 50
P95_LIMIT_MS = 100.0

_TOKEN = re.compile(r"(\d+)@(\d+) ")


async def measure(sides: Sides, *, tokens: int) -> list[Figure]:
    """Delays of all tokens of one round on each side, after a round that doesn't count."""
    model = f"stamped-{tokens}x{PAUSE_MS}ms"
    chats, direct_lanes = await sides.chat_lanes(STREAMS), await sides.direct_lanes(STREAMS)
    await sides.tally.ask(chats, f"stamped-{WARM_UP_TOKENS}x{PAUSE_MS}ms", WARM_UP_TOKENS)
    gc.collect()
    before = sides.stack_cpu_seconds()
    ours = await sides.tally.ask(chats, model, tokens)
    used = sides.stack_cpu_seconds() - before
    direct = await sides.tally.ask(direct_lanes, model, tokens)
    close(chats + direct_lanes)
    late, late_direct = (
        [delay for stream in streams for delay in delays_ms(stream, tokens)] for streams in (ours, direct)
    )
    name = f"{STREAMS} streams at {1000 // PAUSE_MS} tokens/s each"
    figures = [
        Figure(
            name=f"{name}, delay per token, p{percent}",
            unit="ms",
            ours=percentile(late, percent),
            direct=percentile(late_direct, percent),
            limit=P95_LIMIT_MS if percent == 95 else None,
        )
        for percent in (50, 95, 99)
    ]
    return [
        *figures,
        Figure(name=f"{name}, together", unit="tokens/s", ours=_rate(ours), direct=_rate(direct)),
        Figure(name=f"{name}, processor time of BaseChat per 1,000 tokens", unit="ms", ours=used * 1e6 / len(late)),
    ]


def delays_ms(stream: Stream, expected: int) -> Iterator[float]:
    """Yield for each token the time from its writing by the upstream to the arrival of its last character."""
    rest, seen = "", 0
    for arrived, text in stream.deltas:
        rest += text
        end = 0
        for match in _TOKEN.finditer(rest):
            seen += 1
            end = match.end()
            if int(match[1]) != seen:
                raise BenchError(f"token {match[1]} came where {seen} was due")
            yield (arrived - int(match[2])) / 1e6
        rest = rest[end:]
    if seen != expected or rest:
        raise BenchError(f"a stream had {seen} tokens instead of {expected}, and {rest!r} at its end")


def _rate(streams: list[Stream]) -> float:
    """The tokens per second between the first and the last arrival."""
    tokens = sum(len(_TOKEN.findall(stream.text)) for stream in streams)
    first = min(stream.deltas[0][0] for stream in streams)
    last = max(stream.deltas[-1][0] for stream in streams)
    return tokens * 1e9 / (last - first)
