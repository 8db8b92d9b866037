"""Counts every requested stream, and the failed ones."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.client import BenchError
from bench.figures import Figure
from bench.lanes import Lane, Stream

SHOWN_FAILURES = 5
MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Tally:
    """Good streams, and the failures of others."""

    streams: list[Stream] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def ask(self, lanes: Sequence[Lane], model: str, tokens: int) -> list[Stream]:
        """Send one message on each lane at the same moment; returns the good streams after all have ended."""
        exchanges = await asyncio.gather(*(lane.ask(model) for lane in lanes), return_exceptions=True)
        good: list[Stream] = []
        for lane, exchange in zip(lanes, exchanges, strict=True):
            try:
                if isinstance(exchange, BaseException):
                    raise exchange
                good.append(_checked(await lane.read(exchange), tokens))
            except (BenchError, TimeoutError, OSError) as error:
                self._fail(f"{type(lane).__name__}: {error or type(error).__name__}")
        if len(self.failures) > MOST_FAILURES:
            raise BenchError(f"too many streams failed, the last one with: {self.failures[-1]}")
        self.streams.extend(good)
        return good

    def _fail(self, why: str) -> None:
        self.failures.append(why)
        if len(self.failures) <= SHOWN_FAILURES:
            print(f"\n    {why}", file=sys.stderr)

    def figures(self) -> list[Figure]:
        """Number of streams that failed, were cut, or differ from the stored answer."""
        asked = len(self.streams) + len(self.failures)
        name = f"Failed or altered streams, of {asked:,}"
        return [Figure(name=name, unit="", ours=float(len(self.failures)), limit=0.0)]


def _checked(stream: Stream, tokens: int) -> Stream:
    count = len(stream.text.split())
    if count != tokens:
        raise BenchError(f"a stream had {count} tokens instead of {tokens}: {stream.text[-100:]!r}")
    return stream
