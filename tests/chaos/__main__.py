"""`python -m tests.chaos`: the full chaos run, with a report."""

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tests.chaos.chaos_run import run_chaos


@click.command()
@click.option("--faults", default=300, show_default=True, type=click.IntRange(1, 1000))
@click.option("--chats", default=20, show_default=True, type=click.IntRange(1, 100))
@click.option("--seed", type=int, help="Repeats the faults and moments of another run.")
@click.option("--keep", type=click.Path(exists=False, path_type=Path), help="Work in this new folder, and leave it.")
def main(faults: int, chats: int, seed: int | None, keep: Path | None) -> None:
    """Break BaseChat under load, and count lost messages."""
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    click.echo(f"{faults} faults to come, {chats} chats, seed {seed}")
    with _folder(keep) as folder:
        verdict = asyncio.run(run_chaos(folder, faults=faults, chats=chats, seed=seed))
    for line in verdict.lines():
        click.echo(line)
    sys.exit(1 if verdict.problems else 0)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(mode=0o755)  # PostgreSQL runs as another account where we are root
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="basechat-chaos-") as name:
        yield Path(name)


if __name__ == "__main__":
    main()
