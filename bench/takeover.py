"""Takeover: time from a worker's death until its successor continues the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.figures import Figure
from bench.runs import open_viewer, send
from bench.sides import Sides
from bench.stack import Stack

MODEL = "stamped-250x20ms"
SECOND_ATTEMPT = b"id: 2-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease, the settings that give it, and the limit for a takeover."""

    name: str
    limit_seconds: float
    settings: Mapping[str, str] = field(default_factory=dict)


DEFAULT_LEASE = Lease(name="default lease", limit_seconds=45.0)
SHORT_LEASE = Lease(
    name="lease of 2 s",
    limit_seconds=3.0,
    settings={"RUN_LEASE_SECONDS": "2", "RUN_HEARTBEAT_SECONDS": "0.5"},
)


async def measure(stack: Stack, sides: Sides, lease: Lease, *, count: int) -> list[Figure]:
    """Kill the worker `count` times during an answer; returns the longest time to the next new token."""
    times = [await _take_over(stack, sides) for _ in range(count)]
    name = f"Takeover after the worker's kill -9 to the next new token, {lease.name}"
    longest = f", longest of {count}" if count > 1 else ""
    return [Figure(name=f"{name}{longest}", unit="s", ours=max(times), limit=lease.limit_seconds)]


async def _take_over(stack: Stack, sides: Sides) -> float:
    run, _ = await send(sides.api, MODEL)
    viewer = await open_viewer(sides, run)
    await viewer.until(b"20@")
    killed = stack.kill("worker")
    exchange = await viewer.until(b"message.delta", after=SECOND_ATTEMPT)
    viewer.close()
    await sides.api.call("POST", f"/api/runs/{run}/cancel")
    return (exchange.arrivals[-1][0] - killed) / 1e9
