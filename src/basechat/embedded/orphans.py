"""Clear away what a killed supervisor has left behind, sure of whom we meet: by pid and birth, never by name."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from basechat.embedded.identity import birth, is_of_this_world
from basechat.embedded.layout import Layout
from basechat.embedded.postgres import STOP_SIGNAL
from basechat.embedded.state import ProcessState, read_state
from basechat.embedded.waiting import wait_until

GRACE = 10.0
"""Seconds that orphans have to end. The kernel has told them already when their supervisor died."""


def clear(layout: Layout) -> int:
    """End what is left, forget stale sockets; returns how many processes there were. Needs the folder's lock."""
    state = read_state(layout)
    recorded = state.services if state else ()
    servers = set(_postgres_processes(layout))
    members = set(_survivors(recorded))
    for pid in members:
        _signal(pid, STOP_SIGNAL if pid in servers else signal.SIGTERM)
    wait_until(lambda: not _left(layout, recorded), within=GRACE)
    for pid in _left(layout, recorded):
        _signal(pid, signal.SIGKILL)
    wait_until(lambda: not _left(layout, recorded), within=5)
    for path in layout.run.glob("*.sock"):
        path.unlink()
    _forget_postmaster(layout)
    return len(members | servers)


def _left(layout: Layout, recorded: tuple[ProcessState, ...]) -> set[int]:
    return {*_survivors(recorded), *_postgres_processes(layout)}


def _survivors(recorded: tuple[ProcessState, ...]) -> Iterator[int]:
    """Processes in the sessions of recorded services.

    A session keeps its number as long as it has members, even when its leader is gone. So the session is ours
    unless its leader lives and was born at another time than the one we started.
    """
    sessions = {
        service.pid
        for service in recorded
        if service.pid and is_of_this_world(service.birth) and birth(service.pid) in (None, service.birth)
    }
    for pid in psutil.pids() if sessions else ():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions and birth(pid) is not None:
                yield pid


def _postgres_processes(layout: Layout) -> Iterator[int]:
    """The server of our cluster and its children: each has a session of its own, all work in the cluster's folder."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.cwd() == str(layout.postgres_data) and Path(process.exe()).name == "postgres":
                yield process.pid


def _forget_postmaster(layout: Layout) -> None:
    """PostgreSQL does not start while the pid of its last run is taken.

    By a stranger, as happens in containers, or by its own zombie, where nobody collects those.
    """
    locks = (layout.postgres_data / "postmaster.pid", Path(f"{layout.postgres_socket}.lock"))
    for lock in locks:
        lock.unlink(missing_ok=True)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
