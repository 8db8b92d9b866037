"""The frame of a bench command: folder, time limit, report, exit code."""

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

import click
import psutil
import uvloop

from basechat.embedded.errors import StackError
from bench.client import BenchError
from bench.figures import Figure
from bench.report import Report, Subject, now

QUIET_PERCENT = 10
_FILE = click.Path(dir_okay=False, path_type=Path)
_NEW_FOLDER = click.Path(exists=False, path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Run:
    """Collects the figures and prints the progress."""

    figures: list[Figure] = field(default_factory=list)

    async def add(self, title: str, measured: Awaitable[list[Figure]]) -> None:
        """Wait for figures, and print their names and the elapsed time."""
        print(f"  {title} …", end="", flush=True, file=sys.stderr)
        began = time.monotonic()
        self.figures += await measured
        print(f" {time.monotonic() - began:.0f} s", file=sys.stderr)


class Outputs(TypedDict):
    """The working folder of a run, and the files of its report."""

    keep: Path | None
    json_file: Path | None
    write_readme: bool


def outputs(command: Command) -> Command:
    """Give a command the options of `Outputs`."""
    for option in (
        click.option("--write-readme", is_flag=True, help="Put the run into bench/README.md."),
        click.option("--json", "json_file", type=_FILE, help="Write the run there too."),
        click.option("--keep", type=_NEW_FOLDER, help="Work in this new folder, and leave it."),
    ):
        command = option(command)
    return command


def conduct(
    subject: Subject,
    measure: Callable[[Run, Path], Awaitable[None]],
    *,
    flags: dict[str, bool],
    seconds: float,
    **where: Unpack[Outputs],
) -> None:
    """Measure within a time limit and print the figures. Exit code 1: a limit is missed. 2: the run failed."""
    busy = psutil.cpu_percent(interval=3)
    if busy > QUIET_PERCENT:
        print(f"Other work takes {busy:.0f} % of the cores: the figures will be worse than they are.", file=sys.stderr)
    began, clock, run = now(), time.monotonic(), Run()
    with _folder(where["keep"]) as folder:
        failure = _attempt(measure(run, folder), seconds)
    report = Report(
        subject=subject,
        began=began,
        seconds=time.monotonic() - clock,
        flags=[f"--{name}" for name, given in flags.items() if given],
        busy_percent=busy,
        figures=run.figures,
    )
    print(report.table())
    if failure:
        print(f"\nThe run failed: {failure}", file=sys.stderr)
        sys.exit(2)
    _write(report, where["json_file"], readme=where["write_readme"])
    if report.missed:
        print(f"\nBeyond the limit: {', '.join(figure.name for figure in report.missed)}", file=sys.stderr)
        sys.exit(1)


def _write(report: Report, json_file: Path | None, *, readme: bool) -> None:
    if json_file is not None:
        report.write_json(json_file)
    if readme:
        report.write_readme()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Yield a new temporary folder, or the new folder `keep`, which stays."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="basechat-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another account where we are root
        yield folder


def _attempt(measuring: Awaitable[None], seconds: float) -> str:
    """Measure; returns the failure, if any. SIGTERM ends everything that was started, like Ctrl-C."""

    async def bounded() -> None:
        if task := asyncio.current_task():
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with asyncio.timeout(seconds):
            await measuring

    try:
        uvloop.run(bounded())
    except (BenchError, StackError, TimeoutError, OSError) as error:
        return str(error) or "it took too long"
    except asyncio.CancelledError:
        return "it was ended by a signal"
    return ""
