"""A peer that is a program, spoken to over its standard input and output: `python -m tests.peers.program`."""

import asyncio
import os
import subprocess
import sys

from tests.peers.tools import build_tools

server = build_tools()


@server.tool()
def spawn() -> int:
    """Start a program that outlives this one, and return its process id."""
    return subprocess.Popen(["/bin/sleep", "300"]).pid


@server.tool()
def environment() -> dict[str, str]:
    """The environment."""
    return dict(os.environ)  # noqa: TID251 - what this program was started with


@server.tool()
def chatter() -> str:
    """Write lines that are not messages before the answer."""
    sys.stdout.write("Loading...\n{nonsense\n")
    sys.stdout.flush()
    return "done"


@server.tool()
async def sleep() -> str:
    """Start a program, and never return."""
    spawn()
    await asyncio.Event().wait()
    return "done"


if __name__ == "__main__":
    server.run("stdio")
