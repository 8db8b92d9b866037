"""`basechat up`: prepare the data folder, start everything, watch it and stop it."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click
from setproctitle import setproctitle

from basechat.embedded import folder, orphans
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.options import data_folder, errors_as_sentences
from basechat.embedded.servers import models, nginx, postgres, python_services, redis
from basechat.embedded.servers.address import ListenAddress
from basechat.embedded.state import StackState, birth, read_state, write_state
from basechat.embedded.supervisor import Signals, StoppedEarlyError, Supervisor
from basechat.embedded.terminal import Progress, leave_terminal
from basechat.identity.sql import HAS_ACCOUNTS

_OPEN_FILES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class _LocalModels:
    """Which of the models without a key to start."""

    chat: bool
    embeddings: bool


@click.command()
@data_folder
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--detach", "-d", is_flag=True, help="Continue in the background when all services are ready.")
@click.option("--no-local-model", is_flag=True, help="Do not start the small chat model that needs no key.")
@click.option(
    "--no-local-embed", is_flag=True, help="Do not start the small embedding model. Search then compares words only."
)
def up(data_dir: Path, host: str, port: int, detach: bool, no_local_model: bool, no_local_embed: bool) -> None:
    """Start BaseChat on this machine, without Docker."""
    layout = Layout.of(data_dir)
    on_ready = leave_terminal(layout.log("supervisor")) if detach else lambda: None
    with errors_as_sentences():
        wanted = _LocalModels(chat=not no_local_model, embeddings=not no_local_embed)
        _run_stack(layout, ListenAddress(host, port), wanted, detached=detach, on_ready=on_ready)


def _run_stack(
    layout: Layout, address: ListenAddress, wanted: _LocalModels, *, detached: bool, on_ready: Callable[[], None]
) -> None:
    """Run the whole stack until a signal stops it. Raises StackError or OSError."""
    began = time.time()
    setproctitle(f"basechat: supervisor {layout.data}")
    with _exclusive(layout):
        signals = Signals(ignore_hangup=detached)
        progress = Progress(layout.log("supervisor"))
        _limit_process()
        if ended := orphans.clear(layout):
            progress.say(f"The last run was interrupted. BaseChat ended {ended} processes that were left.")
        address.require_free()

        def save_state() -> None:
            services = tuple(watched.state() for watched in supervisor.watched)
            pid = os.getpid()
            state = StackState(pid=pid, birth=birth(pid), address=address.url, since=began, services=services)
            with suppress(OSError):  # a full disk must not stop a running stack; at a start other steps report it
                write_state(layout, state)

        supervisor = Supervisor(layout, progress, signals, save_state)
        try:
            save_state()
            _start(layout, address, supervisor, progress, wanted)
            progress.say(f"\nBaseChat is ready at {address.url} after {time.time() - began:.1f} s.")
            _invite_administrator(layout, address, progress)
            if detached:
                progress.silence()
            else:
                progress.say("Press Ctrl-C to stop it.")
            on_ready()
            supervisor.keep_running()
        except StoppedEarlyError:
            pass
        finally:
            progress.say("Stopping ...")
            supervisor.stop()
            layout.state.unlink(missing_ok=True)
            folder.discard_sockets(layout)
            progress.say("Stopped.")


def _start(
    layout: Layout, address: ListenAddress, supervisor: Supervisor, progress: Progress, wanted: _LocalModels
) -> None:
    """Start concurrently where possible: this process imports the services while the servers load their data."""
    folder.prepare(layout)
    weights = _weights(layout, progress) if wanted.chat else None
    local_embed = wanted.embeddings and models.has_embeddings()
    supervisor.start(postgres.service(layout), *redis.services(layout))
    if weights is not None:
        supervisor.start(models.chat_service(layout, weights))
    if local_embed:
        supervisor.start(models.embed_service(layout))
    for name in (*python_services.NAMES, nginx.NAME):
        progress.show(name, "waiting")
    python_services.set_environment(layout, address, local_model=weights is not None, local_embed=local_embed)
    python_services.warm(supervisor.check)
    supervisor.await_ready(postgres.NAME, redis.CACHE, redis.STATE)
    supervisor.start(*python_services.services(layout))
    supervisor.await_ready()
    supervisor.start(nginx.service(layout, address))
    supervisor.await_ready()


@contextmanager
def _exclusive(layout: Layout) -> Iterator[None]:
    folder.claim(layout)
    with folder.locked(layout) as is_ours:
        if not is_ours:
            state = read_state(layout)
            where = f" at {state.address}" if state and state.is_alive else ""
            raise StackError(
                f"BaseChat is already running{where} on {layout.data}. "
                "Use it, stop it with `basechat down`, or choose another folder with --data-dir."
            )
        yield


def _weights(layout: Layout, progress: Progress) -> Path | None:
    """The file of the local chat model. The stack also works without it."""
    if weights := models.find_weights(layout):
        return weights
    progress.say("local-model: downloading SmolLM2 (93 MB). This happens once.")
    try:
        return models.fetch_weights(layout)
    except StackError as error:
        progress.say(f"{error} BaseChat starts without the local model. To use another one, set e.g. OPENAI_API_KEY.")
        return None


def _invite_administrator(layout: Layout, address: ListenAddress, progress: Progress) -> None:
    try:
        if postgres.query(layout, HAS_ACCOUNTS) == "t":
            return
    except (subprocess.SubprocessError, OSError):
        return
    progress.say(
        f"There is no account yet. Open {address.url} and register: the first account is the administrator. "
        f"From another machine, enter the set-up token as invitation; it is in {layout.secrets / 'setup_token'}."
    )


def _limit_process() -> None:
    """Allow open files for many concurrent streams, and make new files unreadable for other users."""
    os.umask(0o077)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
