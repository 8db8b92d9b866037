"""`basechat down`, `status` and `logs`. They are quick, so nothing heavy is imported here."""

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from basechat.embedded import folder, orphans
from basechat.embedded import logs as log_files
from basechat.embedded.errors import StackError
from basechat.embedded.health import wait_until
from basechat.embedded.layout import Layout
from basechat.embedded.options import data_folder, errors_as_sentences
from basechat.embedded.state import StackState, find_running

NOT_RUNNING = 3
"""Exit code of `status`, as in the LSB's init scripts."""

_STOP_SECONDS = 90.0
"""Seconds. Each service has its own, shorter grace period."""


@click.command()
@data_folder
def down(data_dir: Path) -> None:
    """Stop BaseChat, and wait until all its processes have ended."""
    with errors_as_sentences():
        click.echo(_stop(Layout.of(data_dir)))


@click.command()
@data_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(data_dir: Path, as_json: bool) -> None:
    """Show the services and their states.

    Exit code 0: all services are ready. 1: a service is not ready. 3: BaseChat is not running.
    """
    layout = Layout.of(data_dir)
    with errors_as_sentences():
        state = find_running(layout)
    click.echo(json.dumps(_document(layout, state)) if as_json else _table(layout, state))
    if state is None:
        raise click.exceptions.Exit(NOT_RUNNING)
    if any(service.phase != "ready" for service in state.services):
        raise click.exceptions.Exit(1)


@click.command()
@data_folder
@click.argument("service", required=False)
@click.option("--follow", "-f", is_flag=True, help="Keep printing new lines. Ctrl-C ends it.")
@click.option("--lines", "-n", default=50, show_default=True, type=click.IntRange(1), help="Number of lines to print.")
def logs(data_dir: Path, service: str | None, follow: bool, lines: int) -> None:
    """Show the last lines of the log of SERVICE. The default is the supervisor's log."""
    with errors_as_sentences():
        log = _find_log(Layout.of(data_dir), service or "supervisor")
        if not follow:
            click.echo("\n".join(log_files.tail(log, lines)))
            return
        for text in log_files.follow(log, lines):
            click.echo(text, nl=False)


def _stop(layout: Layout) -> str:
    """Stop the stack and wait for its end; returns a sentence about what was done."""
    if not layout.version.exists():
        return f"Nothing to stop: {layout.data} contains no BaseChat."
    with folder.locked(layout) as is_idle:
        if is_idle:
            ended = orphans.clear(layout)
            leftovers = f" It ended {ended} processes of an interrupted run." if ended else ""
            return f"BaseChat is not running on {layout.data}.{leftovers}"
    state = find_running(layout)
    if state is not None:
        with suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGTERM)
    if not wait_until(lambda: _is_idle(layout) and not (state and state.is_alive), within=_STOP_SECONDS, every=0.05):
        raise StackError(
            f"BaseChat did not stop within {_STOP_SECONDS:g} s. Read {layout.log('supervisor')}, "
            f"or end process {state.pid if state else '?'} and run `basechat down` again."
        )
    return "BaseChat has stopped."


def _is_idle(layout: Layout) -> bool:
    with folder.locked(layout) as is_idle:
        return is_idle


def _find_log(layout: Layout, service: str) -> Path:
    known = sorted(path.stem for path in layout.logs.glob("*.log"))
    if not known:
        raise StackError(f"There are no logs in {layout.data} yet. Start BaseChat with `basechat up`.")
    if service not in known:
        raise StackError(f"There is no log of {service}. The logs are: {', '.join(known)}.")
    return layout.log(service)


def _document(layout: Layout, state: StackState | None) -> dict[str, object]:
    fields = {} if state is None else asdict(state)
    return {"running": state is not None, "data": str(layout.data), **fields}


def _table(layout: Layout, state: StackState | None) -> str:
    if state is None:
        return f"BaseChat is not running on {layout.data}. Start it with `basechat up`."
    minutes = (time.time() - state.since) / 60
    lines = [f"BaseChat at {state.address}, running for {minutes:.0f} min. Data folder: {layout.data}", ""]
    lines.append(f"{'service':<14}{'state':<12}{'pid':>8}{'restarts':>10}")
    lines += [
        f"{service.name:<14}{service.phase:<12}{service.pid or '-':>8}{service.restarts:>10}"
        for service in state.services
    ]
    return "\n".join(lines)
