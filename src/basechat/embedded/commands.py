"""`basechat down`, `status` and `logs`: quick commands, so nothing heavy is imported here."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from basechat.embedded import logs as log_files
from basechat.embedded.control import find_running, stop_stack
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.options import data_folder, sentences
from basechat.embedded.state import StackState

NOT_RUNNING = 3
"""Exit code of `status`, as in the LSB's init scripts."""


@click.command()
@data_folder
def down(data_dir: Path) -> None:
    """Stop BaseChat and wait until all of it is gone."""
    with sentences():
        click.echo(stop_stack(Layout.of(data_dir)))


@click.command()
@data_folder
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(data_dir: Path, as_json: bool) -> None:
    """Show what runs. Exit code 0: all is ready, 1: something is not, 3: nothing runs."""
    layout = Layout.of(data_dir)
    with sentences():
        state = find_running(layout)
    click.echo(json.dumps(_described(layout, state)) if as_json else _table(layout, state))
    if state is None:
        raise click.exceptions.Exit(NOT_RUNNING)
    if any(service.phase != "ready" for service in state.services):
        raise click.exceptions.Exit(1)


@click.command()
@data_folder
@click.argument("service", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is added.")
@click.option("--lines", "-n", default=50, show_default=True, type=click.IntRange(1), help="How many from the end.")
def logs(data_dir: Path, service: str | None, follow: bool, lines: int) -> None:
    """Show the end of a service's log; without SERVICE, the supervisor's."""
    with sentences():
        log = _find_log(Layout.of(data_dir), service or "supervisor")
        if not follow:
            click.echo("\n".join(log_files.tail(log, lines)))
            return
        for text in log_files.follow(log, lines):
            click.echo(text, nl=False)


def _find_log(layout: Layout, service: str) -> Path:
    known = sorted(path.stem for path in layout.logs.glob("*.log"))
    if not known:
        raise StackError(f"There are no logs in {layout.data} yet. Start BaseChat with `basechat up`.")
    if service not in known:
        raise StackError(f"There is no service {service}. There are: {', '.join(known)}.")
    return layout.log(service)


def _described(layout: Layout, state: StackState | None) -> dict[str, object]:
    described = {} if state is None else asdict(state)
    return {"running": state is not None, "data": str(layout.data), **described}


def _table(layout: Layout, state: StackState | None) -> str:
    if state is None:
        return f"BaseChat is not running on {layout.data}. Start it with `basechat up`."
    minutes = (time.time() - state.since) / 60
    lines = [f"BaseChat at {state.address}, up {minutes:.0f} min, data in {layout.data}", ""]
    lines.append(f"{'service':<14}{'state':<12}{'pid':>8}{'restarts':>10}")
    lines += [
        f"{service.name:<14}{service.phase:<12}{service.pid or '-':>8}{service.restarts:>10}"
        for service in state.services
    ]
    return "\n".join(lines)
