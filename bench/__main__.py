"""`python -m bench`: starts everything, measures, compares with the limits, ends everything."""

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import psutil
import uvloop

from bench import cancel, first_token, footprint, intent, paced, reconnect, takeover, throughput
from bench.client import Api, BenchError, Connection
from bench.figures import Figure
from bench.processes import cpu_seconds
from bench.report import Report, now
from bench.sides import Sides
from bench.stack import Stack, free_port, running_upstream

LONGEST_RUN_SECONDS = 20 * 60
QUIET_PERCENT = 10


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


@dataclass(slots=True)
class Run:
    """Collects the figures and tells what is going on."""

    figures: list[Figure] = field(default_factory=list)

    async def add(self, title: str, measured: Awaitable[list[Figure]]) -> None:
        """Wait for some figures, telling their names and how long they took."""
        print(f"  {title} …", end="", flush=True, file=sys.stderr)
        began = time.monotonic()
        self.figures += await measured
        print(f" {time.monotonic() - began:.0f} s", file=sys.stderr)


async def measure(run: Run, size: Size, folder: Path, *, starts: bool) -> None:
    """Measure everything into `run`; SIGTERM ends it as Ctrl-C does, with all that it started."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.timeout(LONGEST_RUN_SECONDS), running_upstream() as upstream:
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
            run.figures += sides.figures()
            await run.add("memory after", footprint.measure_memory(stack, "Memory after the load", limited=False))
            await run.add("reconnects", reconnect.measure(sides, count=size.reconnects))
            await _measure_faults(run, size, stack, sides)
        await _measure_short_lease(run, size, stack)


async def _measure_faults(run: Run, size: Size, stack: Stack, sides: Sides) -> None:
    """Measure what comes last, as it leaves the stack with processes that are new."""
    await run.add("cancels", cancel.measure(sides, count=size.cancels))
    without = cancel.measure_without_state(stack, sides, count=size.cancels_without_state)
    await run.add("cancels without redis-state", without)
    if size.long_takeovers:
        await run.add("takeover", takeover.measure(stack, sides, takeover.DEFAULT_LEASE, count=size.long_takeovers))


async def _measure_short_lease(run: Run, size: Size, stack: Stack) -> None:
    """Measure on a folder of its own, so that an account can be made there."""
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
@click.option("--keep", type=click.Path(exists=False, path_type=Path), help="Work in this new folder, and leave it.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the run there too.")
@click.option("--write-readme", is_flag=True, help="Put the run into bench/README.md.")
def main(quick: bool, skip_starts: bool, keep: Path | None, json_file: Path | None, write_readme: bool) -> None:
    """Measure BaseChat beside the direct call to the same upstream; ends with 1 where a limit is missed."""
    busy = psutil.cpu_percent(interval=3)
    if busy > QUIET_PERCENT:
        print(f"Other work takes {busy:.0f} % of the cores: the figures will be worse than they are.", file=sys.stderr)
    began, clock = now(), time.monotonic()
    run = Run()
    with _folder(keep) as folder:
        failure = _attempt(run, QUICK if quick else FULL, folder, starts=not skip_starts)
    words = ("python -m bench", "--quick" if quick else "", "--skip-starts" if skip_starts else "")
    seconds = time.monotonic() - clock
    options = " ".join(filter(None, words))
    report = Report(began=began, seconds=seconds, options=options, busy_percent=busy, figures=run.figures)
    print(report.table())
    if failure:
        print(f"\nThe run failed: {failure}", file=sys.stderr)
        sys.exit(2)
    if json_file is not None:
        report.write_json(json_file)
    if write_readme:
        report.write_readme()
    if report.missed:
        print(f"\nBeyond the limit: {', '.join(figure.name for figure in report.missed)}", file=sys.stderr)
        sys.exit(1)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give a new folder, of our own choice unless `keep` names one, which then stays."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="basechat-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another account where we are root
        yield folder


def _attempt(run: Run, size: Size, folder: Path, *, starts: bool) -> str:
    """Measure; return why that failed, or nothing."""
    try:
        uvloop.run(measure(run, size, folder, starts=starts))
    except (BenchError, TimeoutError, OSError) as error:
        return str(error) or "it took too long"
    except asyncio.CancelledError:
        return "it was ended by a signal"
    return ""


if __name__ == "__main__":
    main()
