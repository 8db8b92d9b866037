"""Fifty streams of fifty tokens at once: tokens per second over the whole batch."""

import gc
import statistics
from collections.abc import Sequence

from bench.figures import Figure
from bench.lanes import Lane
from bench.sides import Sides, close
from bench.tally import Tally

STREAMS = 50
TOKENS = 50
MODEL = f"tokens-{TOKENS}"
LIMIT_TOKENS_PER_SECOND = 5_000.0


async def measure(sides: Sides, *, rounds: int, warm_up: int) -> list[Figure]:
    """The median of the rounds on each side, and BaseChat's slowest and fastest round."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(warm_up + rounds):
        ours.append(await tokens_per_second(sides.tally, await sides.chat_lanes(STREAMS)))
        theirs.append(await tokens_per_second(sides.tally, await sides.direct_lanes(STREAMS)))
    ours, theirs = ours[warm_up:], theirs[warm_up:]
    name = f"{STREAMS} streams of {TOKENS} tokens at once"
    return [
        Figure(
            name=f"{name}, median of {rounds} rounds",
            unit="tokens/s",
            ours=statistics.median(ours),
            direct=statistics.median(theirs),
            limit=LIMIT_TOKENS_PER_SECOND,
            judged="at least",
        ),
        Figure(name=f"{name}, slowest round", unit="tokens/s", ours=min(ours), direct=min(theirs)),
        Figure(name=f"{name}, fastest round", unit="tokens/s", ours=max(ours), direct=max(theirs)),
    ]


async def tokens_per_second(tally: Tally, lanes: Sequence[Lane]) -> float:
    """Send on all lanes at once and close them; returns the rate from the first request to the last answer's end."""
    gc.collect()
    streams = await tally.ask(lanes, MODEL, TOKENS)
    close(lanes)
    began = min(stream.sent_at for stream in streams)
    ended = max(stream.ended_at for stream in streams)
    return len(streams) * TOKENS * 1e9 / (ended - began)
