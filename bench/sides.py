"""The two sides that are compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.client import Api, Connection
from bench.lanes import ChatLane, CompletionLane, Lane
from bench.tally import Tally


@dataclass(frozen=True, slots=True)
class Sides:
    """BaseChat with a person's API, and the upstream's address.

    `stack_cpu_seconds` returns the processor time that BaseChat's processes have used so far.
    """

    address: str
    api: Api
    upstream: str
    stack_cpu_seconds: Callable[[], float]
    tally: Tally = field(default_factory=Tally)

    async def chat_lanes(self, count: int) -> list[Lane]:
        """Open connections to BaseChat, each with a new chat."""
        lanes: list[Lane] = [ChatLane(await Connection.open(self.address), self.api) for _ in range(count)]
        for lane in lanes:
            await lane.renew()
        return lanes

    async def direct_lanes(self, count: int) -> list[Lane]:
        """Open connections to the upstream."""
        return [CompletionLane(await Connection.open(self.upstream)) for _ in range(count)]


def close(lanes: Sequence[Lane]) -> None:
    """Close the connections."""
    for lane in lanes:
        lane.close()
