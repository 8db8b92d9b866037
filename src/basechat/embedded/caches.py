"""`basechat cache stats` and `clear`: the caches of the stack on this machine, or of the servers that are set."""

import json
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from basechat.embedded import redis
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.options import data_folder, sentences
from basechat.infra.cache.layers import LAYERS
from basechat.kit.config import ConfigError, load_settings
from basechat.ops.caches.command import CacheAwayError, Servers, remove, report
from basechat.ops.caches.table import table

_ALL = "all"


@click.group()
def cache() -> None:
    """Look at the caches, or empty them. Messages and accounts are not in them.

    Asked is the stack that runs on the data folder; where none does, the servers that REDIS_URL and REDIS_STATE_URL
    (or REDIS_HOST, ...) name, as in a container.
    """


@cache.command()
@data_folder
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def stats(context: click.Context, data_dir: Path, as_json: bool) -> None:
    """Show size and hit rate of each layer."""
    with sentences():
        servers = _servers(context, data_dir)
        try:
            found = report(servers)
        except CacheAwayError:
            raise _away(servers) from None
    click.echo(json.dumps(found.document(), indent=2) if as_json else table(found))


@cache.command()
@data_folder
@click.argument("layer", type=click.Choice([*(layer.name for layer in LAYERS), _ALL]), default=_ALL)
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def clear(context: click.Context, data_dir: Path, layer: str, yes: bool, as_json: bool) -> None:
    """Remove what LAYER keeps. What was answered from it is asked of the models and tools again."""
    with sentences():
        servers = _servers(context, data_dir)
        if not yes:
            _confirm(layer)
        try:
            removed = remove(servers, [each for each in LAYERS if layer in {_ALL, each.name}])
        except CacheAwayError:
            raise _away(servers) from None
    named = "the caches" if layer == _ALL else f"the cache {layer}"
    told = f"Removed {removed:,} {'key' if removed == 1 else 'keys'} from {named}."
    click.echo(json.dumps({"layer": layer, "removed": removed}) if as_json else told)


def _confirm(layer: str) -> None:
    if not sys.stdin.isatty():
        raise StackError("Nothing was removed: there is nobody to ask. Say --yes to remove it without asking.")
    click.confirm(f"Remove everything from {'all caches' if layer == _ALL else f'the cache {layer}'}?", abort=True)


def _servers(context: click.Context, data_dir: Path) -> Servers:
    """Return the servers of the stack that runs on the folder, else those of the environment; raises StackError."""
    layout = Layout.of(data_dir)
    if layout.socket(redis.CACHE).exists():  # also while it hangs, which is to be told
        return Servers(cache_url=redis.url(layout, redis.CACHE), state_url=redis.url(layout, redis.STATE))
    if context.get_parameter_source("data_dir") is ParameterSource.COMMANDLINE:
        raise StackError(f"BaseChat is not running on {layout.data}. Start it with `basechat up`.")
    try:
        settings = load_settings()
    except ConfigError as error:
        raise StackError(
            f"BaseChat is not running on {layout.data}, and the environment names no servers either. Start it with"
            f" `basechat up`, say --data-dir, or set what is missing.\n{error}"
        ) from None
    return Servers(
        cache_url=settings.cache_redis_url, state_url=settings.state_redis_url, is_cluster=settings.redis_cluster
    )


def _away(servers: Servers) -> StackError:
    place = servers.cache_url.rpartition("@")[2].partition("?")[0]  # without the password
    return StackError(
        f"The cache server at {place.partition('://')[2] or place} does not answer. `basechat status` tells more of a"
        " stack on this machine."
    )
