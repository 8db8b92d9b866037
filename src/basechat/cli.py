"""The command `basechat`: a table of its sub-commands, each imported only when it is called."""

import importlib
from collections.abc import Mapping

import click

from basechat.embedded.health import answers_http

_COMMANDS: Mapping[str, str] = {
    "up": "basechat.embedded.up:up",
    "down": "basechat.embedded.commands:down",
    "status": "basechat.embedded.commands:status",
    "logs": "basechat.embedded.commands:logs",
    "serve": "basechat.embedded.serving:serve",
    "cache": "basechat.embedded.caches:cache",
    "health": "basechat.cli:health",
}
"""Name to `module:command`. `status` should not wait for what `serve` imports."""

_EMBEDDED_ONLY = {"psutil"}
"""Modules that a container's image, which is started by other means, does not have."""


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
                f"`basechat {name}` needs the stack's packages. Install them: pip install 'basechat[embedded]'"
            ) from None
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="basechat")
def cli() -> None:
    """BaseChat: a self-hosted AI chat platform."""


@click.command()
@click.argument("url")
def health(url: str) -> None:
    """Exit 0 where URL (http://… or unix:/path.sock:/path) answers with a 2xx, else 1."""
    try:
        well = answers_http(url)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    raise click.exceptions.Exit(0 if well else 1)
