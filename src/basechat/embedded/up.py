"""`basechat up`, apart from its sisters because it alone needs the settings and all they bring along."""

from pathlib import Path

import click

from basechat.embedded.address import Address
from basechat.embedded.detach import leave_terminal
from basechat.embedded.layout import Layout
from basechat.embedded.options import data_folder, sentences
from basechat.embedded.stack import LocalModels, run_stack


@click.command()
@data_folder
@click.option("--host", default="127.0.0.1", show_default=True, help="Address on which people reach it.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port of that address.")
@click.option("--detach", "-d", is_flag=True, help="Go to the background once everything is ready.")
@click.option("--no-local-model", is_flag=True, help="Leave out the small model that needs no key.")
@click.option("--no-local-embed", is_flag=True, help="Leave out the small model of embeddings; words alone then do.")
def up(data_dir: Path, host: str, port: int, detach: bool, no_local_model: bool, no_local_embed: bool) -> None:
    """Start all of BaseChat on this machine, without Docker."""
    layout = Layout.of(data_dir)
    ready = leave_terminal(layout.log("supervisor")) if detach else lambda: None
    with sentences():
        models = LocalModels(chat=not no_local_model, embeddings=not no_local_embed)
        run_stack(layout, Address(host, port), models, detached=detach, ready=ready)
