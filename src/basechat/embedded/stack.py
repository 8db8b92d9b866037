"""`basechat up`: make the folder ready, start everything, watch it, stop it."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from setproctitle import setproctitle

from basechat.embedded import embed, folder, model, nginx, orphans, postgres, python_services, redis
from basechat.embedded.address import Address
from basechat.embedded.environment import adopt_environment
from basechat.embedded.errors import StackError
from basechat.embedded.identity import birth
from basechat.embedded.layout import Layout
from basechat.embedded.progress import Progress
from basechat.embedded.signals import Signals
from basechat.embedded.state import StackState, read_state, write_state
from basechat.embedded.supervisor import StoppedEarlyError, Supervisor

_MOST_FILES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModels:
    """Which of the models that need no key are wanted."""

    chat: bool
    embeddings: bool


def run_stack(
    layout: Layout, address: Address, models: LocalModels, *, detached: bool, ready: Callable[[], None]
) -> None:
    """Run the whole stack until somebody stops it; `ready` is called once it serves. Raises StackError or OSError."""
    began = time.time()
    setproctitle(f"basechat: supervisor {layout.data}")
    with _only_one(layout):
        signals = Signals(ignore_hangup=detached)
        progress = Progress(layout.log("supervisor"))
        _limit_process()
        if ended := orphans.clear(layout):
            progress.say(f"The last run was cut off; {ended} processes that it left behind were ended.")
        address.require_free()

        def changed() -> None:
            services = tuple(watched.state() for watched in supervisor.watched)
            pid = os.getpid()
            state = StackState(pid=pid, birth=birth(pid), address=address.url, since=began, services=services)
            with suppress(OSError):  # a full disk is no reason to stop what runs; at a start others will say it
                write_state(layout, state)

        supervisor = Supervisor(layout, progress, signals, changed)
        try:
            changed()
            _start(layout, address, supervisor, progress, models)
            progress.say(f"\nBaseChat is ready at {address.url} after {time.time() - began:.1f} s.")
            _invite_administrator(layout, address, progress)
            if detached:
                progress.leave_terminal()
            else:
                progress.say("Ctrl-C stops it.")
            ready()
            supervisor.keep_running()
        except StoppedEarlyError:
            pass
        finally:
            progress.say("Stopping ...")
            supervisor.stop()
            layout.state.unlink(missing_ok=True)
            folder.discard_sockets(layout)
            progress.say("Stopped.")


def _start(layout: Layout, address: Address, supervisor: Supervisor, progress: Progress, models: LocalModels) -> None:
    """In parallel what can be: while servers and model load their data, this process imports the services."""
    folder.prepare(layout)
    weights = _weights(layout, progress) if models.chat else None
    embeds = models.embeddings and embed.is_installed()
    supervisor.start(postgres.service(layout), *redis.services(layout))
    if weights is not None:
        supervisor.start(model.service(layout, weights))
    if embeds:
        supervisor.start(embed.service(layout))
    for name in (*python_services.NAMES, nginx.NAME):
        progress.show(name, "waiting")
    adopt_environment(layout, address, local_model=weights is not None, local_embed=embeds)
    python_services.warm(supervisor.look)
    supervisor.await_ready(postgres.NAME, redis.CACHE, redis.STATE)
    supervisor.start(*python_services.services(layout))
    supervisor.await_ready()
    supervisor.start(nginx.service(layout, address))
    supervisor.await_ready()


@contextmanager
def _only_one(layout: Layout) -> Iterator[None]:
    folder.claim(layout)
    with folder.locked(layout) as ours:
        if not ours:
            state = read_state(layout)
            where = f" at {state.address}" if state and state.is_alive else ""
            raise StackError(
                f"BaseChat is already running{where} on {layout.data}. "
                "Use it, stop it with `basechat down`, or choose another folder with --data-dir."
            )
        yield


def _weights(layout: Layout, progress: Progress) -> Path | None:
    """The local model's file. The stack is of use without it."""
    if weights := model.find_weights(layout):
        return weights
    progress.say("local-model: downloading SmolLM2 (93 MB), once ...")
    try:
        return model.fetch_weights(layout)
    except StackError as error:
        progress.say(f"{error} Going on without the local model; set OPENAI_API_KEY or the like to have another.")
        return None


def _invite_administrator(layout: Layout, address: Address, progress: Progress) -> None:
    try:
        if postgres.query(layout, "SELECT count(*) FROM (SELECT 1 FROM users LIMIT 1) AS somebody") != "0":
            return
    except (subprocess.SubprocessError, OSError):
        return
    token = layout.secrets / "setup_token"
    progress.say(
        f"Nobody has signed up yet: open {address.url} and do so, the first account is the administrator "
        f"(from another machine it takes the set-up token in {token})."
    )


def _limit_process() -> None:
    """Files for many streams at once, and nothing of what we write for others to read."""
    os.umask(0o077)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
