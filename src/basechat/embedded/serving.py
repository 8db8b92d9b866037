"""`basechat serve`: one service in the foreground, as in a container."""

import click

from basechat.services.entry import SERVICES
from basechat.services.entry import serve as run


@click.command()
@click.argument("service", type=click.Choice(sorted(SERVICES)))
@click.option("--listen", help="host:port or unix:/path.sock; by default all addresses and the service's own port.")
def serve(service: str, listen: str | None) -> None:
    """Run one service until it is told to stop."""
    run(service, listen)
