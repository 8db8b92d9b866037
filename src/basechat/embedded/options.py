"""What the stack's commands have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from basechat.embedded.errors import StackError, explain
from basechat.embedded.home import default_folder

data_folder = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    default=default_folder,
    show_default="./.basechat in a checkout, else ~/.local/share/basechat",
    help="Folder of all data.",
)


@contextmanager
def sentences() -> Iterator[None]:
    """Whatever people can do something about is told in a sentence, with exit code 1."""
    try:
        yield
    except StackError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(str(explain(error))) from error
