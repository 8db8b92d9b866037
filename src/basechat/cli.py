"""The command `basechat`: its sub-commands in a table, each imported only when it is called."""

import importlib
import os
import sys
from collections.abc import Mapping

import click

from basechat.embedded.health import answers_http
from basechat.services.registry import SERVICES

_COMMANDS: Mapping[str, str] = {
    "up": "basechat.embedded.up:up",
    "down": "basechat.embedded.commands:down",
    "status": "basechat.embedded.commands:status",
    "logs": "basechat.embedded.commands:logs",
    "serve": "basechat.cli:serve",
    "cache": "basechat.embedded.caches:cache",
    "health": "basechat.cli:health",
}
"""Name to `module:command`, so that `status` does not wait for the imports of `up`."""

_EMBEDDED_ONLY = {"psutil"}
"""Modules that the container images lack: there, other programs start the services."""


class Commands(click.Group):
    """Finds its commands in the table above."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name not in _EMBEDDED_ONLY:
                raise
            raise click.ClickException(
                f"`basechat {name}` needs the packages of the stack. Install them: pip install 'basechat[embedded]'"
            ) from None
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="basechat")
def cli() -> None:
    """BaseChat: a self-hosted AI chat platform."""


@click.command()
@click.argument("service", type=click.Choice(sorted(SERVICES)))
@click.option(
    "--listen", help="host:port or unix:/path.sock. The default is all addresses and the port of the service."
)
def serve(service: str, listen: str | None) -> None:
    """Run one service in the foreground, as a container does."""
    # The process becomes the service by exec, so that the modules of the command line do not stay in memory.
    command = (sys.executable, "-P", "-m", "basechat.services", service, *([listen] if listen else []))
    os.execv(sys.executable, command)  # noqa: S606 - a fixed command


@click.command()
@click.argument("url")
def health(url: str) -> None:
    """Check whether URL answers: http://… or unix:/path.sock:/path.

    Exit code 0: URL answers with a 2xx. 1: it does not.
    """
    try:
        is_healthy = answers_http(url)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    raise click.exceptions.Exit(0 if is_healthy else 1)
