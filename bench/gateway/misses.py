"""Cache misses: the first token one at a time, and a hundred streams at once."""

import asyncio
import math
import statistics
from dataclasses import dataclass
from typing import Self

from bench.figures import Figure, percentile
from bench.gateway.parties import Parties, Party, compared
from bench.lanes import CompletionLane
from bench.sides import close
from bench.tally import Tally
from bench.throughput import MODEL, TOKENS, tokens_per_second

STREAMS = 100
BLOCK = 25
PAUSE_SECONDS = 0.2  # LiteLLM keeps working after its answer, which must not slow the next party
FIRST_TOKEN_PERCENTS = (50, 99)
FIRST_TOKEN_LIMITS_MS = {99: 6.0}
RELAY_LIMITS = {50: 2.0}
"""What a call may add, as a multiple of what the bare relay adds in the same run."""
LIMIT_TOKENS_PER_SECOND = 15_000.0


async def measure_first_tokens(parties: Parties, *, blocks: int) -> list[Figure]:
    """Figures of `blocks` blocks of messages to each party, after one block that doesn't count.

    llm-agent and the direct call take turns, message by message. So do the bare relay and the direct call. LiteLLM has
    its own blocks.
    """
    ours, relay = await _Turn.of(parties.direct, parties.ours), await _Turn.of(parties.direct, parties.relay)
    litellm = await _Turn.of(parties.litellm) if parties.litellm else None
    turns = [ours, relay, *([litellm] if litellm else [])]
    for _ in range(1 + blocks):
        for turn in turns:
            await asyncio.sleep(PAUSE_SECONDS)
            await turn.take(parties.tally)
    for turn in turns:
        turn.close()
    return [figure for percent in FIRST_TOKEN_PERCENTS for figure in _first_tokens(percent, ours, relay, litellm)]


@dataclass(frozen=True, slots=True)
class _Turn:
    """Parties that take turns, message by message, and their times to the first token in ms."""

    lanes: list[list[CompletionLane]]
    times: list[list[float]]

    @classmethod
    async def of(cls, *parties: Party) -> Self:
        """Open a connection to each."""
        return cls([await party.lanes(1) for party in parties], [[] for _ in parties])

    async def take(self, tally: Tally) -> None:
        """Send a block of messages to each party."""
        for _ in range(BLOCK):
            for lane, times in zip(self.lanes, self.times, strict=True):
                times.extend(stream.first_token_ms for stream in await tally.ask(lane, MODEL, TOKENS))

    def percentiles(self, percent: int) -> list[float]:
        """This percentile of each party, without the first block."""
        return [percentile(times[BLOCK:], percent) for times in self.times]

    def close(self) -> None:
        """Close the connections."""
        for lane in self.lanes:
            close(lane)


def _first_tokens(percent: int, ours: _Turn, relay: _Turn, litellm: _Turn | None) -> list[Figure]:
    """One percentile of llm-agent and of the bare relay, and the ratio of what they add."""
    name = "First token on a miss, one at a time"
    mine = compared(
        [*ours.percentiles(percent), *(litellm.percentiles(percent) if litellm else ())],
        name=f"{name}, p{percent}",
        unit="ms",
        limit=FIRST_TOKEN_LIMITS_MS.get(percent),
        judged="difference at most",
    )
    bare = compared(relay.percentiles(percent), name=f"{name}, p{percent}, through a bare relay", unit="ms")
    times = Figure(
        name=f"{name}, p{percent}, added over what the relay adds",
        unit="times",
        ours=(mine.difference or math.nan) / (bare.difference or math.nan),
        limit=RELAY_LIMITS.get(percent),
    )
    return [mine, bare, times]


async def measure_streams(parties: Parties, *, rounds: int, warm_up: int) -> list[Figure]:
    """Median and slowest round of each party, in turns."""
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
