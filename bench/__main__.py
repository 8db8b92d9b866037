"""`python -m bench`: starts everything, measures, compares with the limits, ends everything."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import click

from bench import cancel, first_token, footprint, intent, paced, reconnect, takeover, throughput
from bench.client import Api, Connection
from bench.command import Outputs, Run, conduct, outputs
from bench.processes import cpu_seconds
from bench.report import Subject
from bench.sides import Sides
from bench.stack import Stack, free_port, running_upstream

LONGEST_RUN_SECONDS = 20 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    first_tokens: int
    warm_up: int
    rounds: int
    paced_tokens: int
    second_starts: int
    reconnects: int
    cancels: int
    cancels_without_state: int
    takeovers: int
    long_takeovers: int


FULL = Size(
    first_tokens=300,
    warm_up=30,
    rounds=9,
    paced_tokens=250,
    second_starts=3,
    reconnects=200,
    cancels=50,
    cancels_without_state=10,
    takeovers=3,
    long_takeovers=1,
)
QUICK = Size(
    first_tokens=100,
    warm_up=20,
    rounds=3,
    paced_tokens=50,
    second_starts=1,
    reconnects=50,
    cancels=10,
    cancels_without_state=3,
    takeovers=1,
    long_takeovers=0,
)


SUBJECT = Subject(command="python -m bench", product="BaseChat", section="last run")


async def measure(run: Run, size: Size, folder: Path, *, starts: bool) -> None:
    """Measure everything into `run`."""
    async with running_upstream() as upstream:
        stack = Stack(folder, free_port(), upstream)
        if starts:
            await run.add("first and second start", footprint.measure_starts(stack, second_starts=size.second_starts))
        print("  starting without local model …", file=sys.stderr)
        async with _stack(stack), _sides(stack) as sides:
            await run.add("idle memory", footprint.measure_memory(stack, "Memory, idle, no local model", limited=True))
            await run.add("first token", first_token.measure(sides, count=size.first_tokens, warm_up=size.warm_up))
            await run.add("intent", intent.measure(stack))
            await run.add("streams at once", throughput.measure(sides, rounds=size.rounds, warm_up=2))
            await run.add("paced streams", paced.measure(sides, tokens=size.paced_tokens))
            run.figures += sides.tally.figures()
            await run.add("memory after", footprint.measure_memory(stack, "Memory after the load", limited=False))
            await run.add("reconnects", reconnect.measure(sides, count=size.reconnects))
            await _measure_faults(run, size, stack, sides)
        await _measure_short_lease(run, size, stack)


async def _measure_faults(run: Run, size: Size, stack: Stack, sides: Sides) -> None:
    """Measure last what restarts processes of the stack."""
    await run.add("cancels", cancel.measure(sides, count=size.cancels))
    without = cancel.measure_without_state(stack, sides, count=size.cancels_without_state)
    await run.add("cancels without redis-state", without)
    if size.long_takeovers:
        await run.add("takeover", takeover.measure(stack, sides, takeover.DEFAULT_LEASE, count=size.long_takeovers))


async def _measure_short_lease(run: Run, size: Size, stack: Stack) -> None:
    """Measure in a new folder, where the first account can be created."""
    folder = stack.folder / "short-lease"
    folder.mkdir(mode=0o755)
    short = replace(stack, folder=folder, port=free_port(), settings=takeover.SHORT_LEASE.settings)
    async with _stack(short), _sides(short) as sides:
        await run.add("short takeovers", takeover.measure(short, sides, takeover.SHORT_LEASE, count=size.takeovers))


@asynccontextmanager
async def _stack(stack: Stack) -> AsyncIterator[None]:
    try:
        await stack.up(local_model=False)
        yield
    finally:
        left = await stack.down()
        if left:
            print(f"  left behind by `basechat down`, ended: {', '.join(left)}", file=sys.stderr)


@asynccontextmanager
async def _sides(stack: Stack) -> AsyncIterator[Sides]:
    token = await stack.register()
    connection = await Connection.open(stack.address)
    try:
        yield Sides(stack.address, Api(connection, token), stack.upstream, lambda: cpu_seconds(stack.processes()))
    finally:
        connection.close()


@click.command()
@click.option("--quick", is_flag=True, help="Fewer messages and rounds, one second start.")
@click.option("--skip-starts", is_flag=True, help="Leave the start times out.")
@outputs
def main(quick: bool, skip_starts: bool, **where: Unpack[Outputs]) -> None:
    """Measure BaseChat beside the direct call of the same upstream. Exits with 1 if a limit is missed."""
    size = QUICK if quick else FULL
    flags = {"quick": quick, "skip-starts": skip_starts}
    conduct(
        SUBJECT,
        lambda run, folder: measure(run, size, folder, starts=not skip_starts),
        flags=flags,
        seconds=LONGEST_RUN_SECONDS,
        **where,
    )


if __name__ == "__main__":
    main()
