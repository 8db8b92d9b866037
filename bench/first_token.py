"""First token, one message at a time: BaseChat and the direct call take turns."""

from bench.figures import Figure, percentile
from bench.sides import Sides, close

TOKENS = 50
MODEL = f"tokens-{TOKENS}"
MESSAGES_PER_CHAT = 10
P50_LIMIT_MS = 12.0
P99_LIMIT_MS = 50.0


async def measure(sides: Sides, *, count: int, warm_up: int) -> list[Figure]:
    """The figures of `count` messages on each side after `warm_up` that do not count."""
    chat, direct = await sides.chat_lanes(1), await sides.direct_lanes(1)
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(warm_up + count):
        if number % MESSAGES_PER_CHAT == 0:
            await chat[0].renew()
        for lanes, times in ((chat, ours), (direct, theirs)):
            streams = await sides.tally.ask(lanes, MODEL, TOKENS)
            times.extend(stream.first_token_ms for stream in streams)
    close(chat + direct)
    ours, theirs = ours[-count:], theirs[-count:]
    return [
        _figure("First token, one at a time, p50", ours, theirs, 50, P50_LIMIT_MS),
        _figure("First token, one at a time, p99", ours, theirs, 99, P99_LIMIT_MS),
    ]


def _figure(name: str, ours: list[float], theirs: list[float], percent: int, limit: float) -> Figure:
    return Figure(
        name=name,
        unit="ms",
        ours=percentile(ours, percent),
        direct=percentile(theirs, percent),
        limit=limit,
        judged="difference at most",
    )
