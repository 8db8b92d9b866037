"""`python -m tests.chaos`: the ordeal at full length, with a report."""

import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

import click

from tests.chaos.ordeal import ordeal


@click.command()
@click.option("--faults", default=300, show_default=True, type=click.IntRange(1, 1000))
@click.option("--chats", default=20, show_default=True, type=click.IntRange(1, 100))
@click.option("--seed", type=int, help="Repeats the faults and moments of another run.")
def main(faults: int, chats: int, seed: int | None) -> None:
    """Break BaseChat under load, and count what was lost: nothing, if all is well."""
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    click.echo(f"{faults} faults to come, {chats} chats, seed {seed}")
    with tempfile.TemporaryDirectory(prefix="basechat-chaos-") as folder:
        verdict = asyncio.run(ordeal(Path(folder), faults=faults, chats=chats, seed=seed))
    for line in verdict.lines():
        click.echo(line)
    sys.exit(1 if verdict.problems else 0)


if __name__ == "__main__":
    main()
