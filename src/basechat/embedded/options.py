"""What all commands share: the option of the data folder, and errors as sentences."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from basechat.embedded.errors import StackError, explain


def default_folder() -> Path:
    """`.basechat` of the checkout that this code runs from, else the user's data directory."""
    checkout = Path(__file__).parents[3]
    if (checkout / "pyproject.toml").exists() and (checkout / "src" / "basechat").is_dir():
        return checkout / ".basechat"
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "basechat"


data_folder = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    default=default_folder,
    show_default="./.basechat in a checkout, else ~/.local/share/basechat",
    help="Folder of all data.",
)


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """End the command with exit code 1 and a sentence for each error that people can correct."""
    try:
        yield
    except StackError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(str(explain(error))) from error
