"""What no cache can answer: the first token one at a time, and a hundred streams at once."""

import asyncio
import statistics

from bench.figures import Figure, percentile
from bench.gateway.parties import Parties, compared
from bench.sides import close
from bench.throughput import MODEL, TOKENS, tokens_per_second

STREAMS = 100
BLOCK = 25
PAUSE_SECONDS = 0.2  # LiteLLM goes on working for a while when it has answered, which is not to be the next one's loss
FIRST_TOKEN_LIMITS_MS = {50: 1.5, 99: 6.0}
LIMIT_TOKENS_PER_SECOND = 15_000.0


async def measure_first_tokens(parties: Parties, *, blocks: int) -> list[Figure]:
    """Return the figures of so many blocks of messages to each party, after one block that does not count.

    We and the direct call take turns, message by message; LiteLLM has blocks of its own.
    """
    lanes = [await party.lanes(1) for party in parties.in_turn]
    times: list[list[float]] = [[] for _ in lanes]
    sides = list(zip(lanes, times, strict=True))
    for _ in range(1 + blocks):
        for turn in (sides[:2], sides[2:]):
            await asyncio.sleep(PAUSE_SECONDS)
            for _ in range(BLOCK):
                for lane, kept in turn:
                    kept.extend(stream.first_token_ms for stream in await parties.tally.ask(lane, MODEL, TOKENS))
    for lane in lanes:
        close(lane)
    return [
        compared(
            [percentile(kept[BLOCK:], percent) for kept in times],
            name=f"First token on a miss, one at a time, p{percent}",
            unit="ms",
            limit=limit,
            judged="difference at most",
        )
        for percent, limit in FIRST_TOKEN_LIMITS_MS.items()
    ]


async def measure_streams(parties: Parties, *, rounds: int, warm_up: int) -> list[Figure]:
    """Return the median and the slowest of the rounds of each party, in turns."""
    rates: list[list[float]] = [[] for _ in parties.in_turn]
    for _ in range(warm_up + rounds):
        for party, kept in zip(parties.in_turn, rates, strict=True):
            await asyncio.sleep(PAUSE_SECONDS)
            kept.append(await tokens_per_second(parties.tally, await party.lanes(STREAMS)))
    counted = [kept[warm_up:] for kept in rates]
    name, unit = f"{STREAMS} streams of {TOKENS} tokens at once on a miss", "tokens/s"
    return [
        compared(
            [statistics.median(kept) for kept in counted],
            name=f"{name}, median of {rounds} rounds",
            unit=unit,
            limit=LIMIT_TOKENS_PER_SECOND,
            judged="at least",
        ),
        compared([min(kept) for kept in counted], name=f"{name}, slowest round", unit=unit),
    ]
