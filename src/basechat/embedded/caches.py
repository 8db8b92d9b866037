"""`basechat cache stats` and `clear`: for the stack on this machine, or for the servers in the environment."""

import json
import sys
from pathlib import Path

import click
from click.core import ParameterSource

from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.options import data_folder, errors_as_sentences
from basechat.embedded.servers import redis
from basechat.infra.cache.layers import LAYERS
from basechat.kit.config import ConfigError, load_settings
from basechat.ops.caches.command import CacheServers, CacheUnavailableError, remove, report, table

_ALL = "all"


@click.group()
def cache() -> None:
    """Show or empty the caches. They contain no messages and no accounts.

    The commands use the stack that runs on the data folder. Without a running stack, as in a container, they use
    the servers of REDIS_URL and REDIS_STATE_URL (or REDIS_HOST, ...).
    """


@cache.command()
@data_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def stats(context: click.Context, data_dir: Path, as_json: bool) -> None:
    """Show the size and the hit rate of each layer."""
    with errors_as_sentences():
        servers = _servers(context, data_dir)
        try:
            found = report(servers)
        except CacheUnavailableError:
            raise _unavailable(servers) from None
    click.echo(json.dumps(found.document(), indent=2) if as_json else table(found))


@cache.command()
@data_folder
@click.argument("layer", type=click.Choice([*(layer.name for layer in LAYERS), _ALL]), default=_ALL)
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def clear(context: click.Context, data_dir: Path, layer: str, yes: bool, as_json: bool) -> None:
    """Remove all entries of LAYER. The next requests call the models and tools again."""
    with errors_as_sentences():
        servers = _servers(context, data_dir)
        if not yes:
            _confirm(layer)
        try:
            removed = remove(servers, [each for each in LAYERS if layer in {_ALL, each.name}])
        except CacheUnavailableError:
            raise _unavailable(servers) from None
    named = "the caches" if layer == _ALL else f"the cache {layer}"
    sentence = f"Removed {removed:,} {'key' if removed == 1 else 'keys'} from {named}."
    click.echo(json.dumps({"layer": layer, "removed": removed}) if as_json else sentence)


def _confirm(layer: str) -> None:
    if not sys.stdin.isatty():
        raise StackError(
            "Nothing was removed, because there is no terminal to ask for confirmation. Add --yes to remove without it."
        )
    click.confirm(f"Remove everything from {'all caches' if layer == _ALL else f'the cache {layer}'}?", abort=True)


def _servers(context: click.Context, data_dir: Path) -> CacheServers:
    """The servers of the stack that runs on the folder, else those of the environment."""
    layout = Layout.of(data_dir)
    if layout.socket(redis.CACHE).exists():  # also while the server hangs: then the command reports that
        return CacheServers(cache_url=redis.url(layout, redis.CACHE), state_url=redis.url(layout, redis.STATE))
    if context.get_parameter_source("data_dir") is ParameterSource.COMMANDLINE:
        raise StackError(f"BaseChat is not running on {layout.data}. Start it with `basechat up`.")
    try:
        settings = load_settings()
    except ConfigError as error:
        raise StackError(
            f"BaseChat is not running on {layout.data}, and the environment names no servers. Start BaseChat with"
            f" `basechat up`, choose its folder with --data-dir, or set the missing variables.\n{error}"
        ) from None
    return CacheServers(
        cache_url=settings.cache_redis_url, state_url=settings.state_redis_url, is_cluster=settings.redis_cluster
    )


def _unavailable(servers: CacheServers) -> StackError:
    place = servers.cache_url.rpartition("@")[2].partition("?")[0]  # without the password
    return StackError(
        f"The cache server at {place.partition('://')[2] or place} does not answer. For a stack on this machine,"
        " `basechat status` shows the state of its services."
    )
