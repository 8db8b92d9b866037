"""`basechat serve`: one service in the foreground, as in a container."""

import os
import sys

import click

from basechat.services.table import SERVICES


@click.command()
@click.argument("service", type=click.Choice(sorted(SERVICES)))
@click.option("--listen", help="host:port or unix:/path.sock; by default all addresses and the service's own port.")
def serve(service: str, listen: str | None) -> None:
    """Run one service until it is told to stop."""
    # This process becomes the service, so that what has read the command does not stay in memory.
    command = (sys.executable, "-P", "-m", "basechat.services", service, *([listen] if listen else []))
    os.execv(sys.executable, command)  # noqa: S606 - our own words
