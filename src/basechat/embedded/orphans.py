"""End the processes that a killed supervisor left behind. They are identified by pid and birth, never by name."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from basechat.embedded.health import wait_until
from basechat.embedded.layout import Layout
from basechat.embedded.servers.postgres import STOP_SIGNAL
from basechat.embedded.state import ProcessState, birth, is_of_this_boot, read_state

GRACE = 10.0
"""Seconds until orphans are killed. The kernel sent them their death signal when the supervisor died."""


def clear(layout: Layout) -> int:
    """End all orphans and remove stale sockets; returns the number of processes. Needs the folder's lock."""
    state = read_state(layout)
    recorded = state.services if state else ()
    servers = set(_postgres_processes(layout))
    members = set(_survivors(recorded))
    for pid in members:
        _signal(pid, STOP_SIGNAL if pid in servers else signal.SIGTERM)
    wait_until(lambda: not _remaining(layout, recorded), within=GRACE)
    for pid in _remaining(layout, recorded):
        _signal(pid, signal.SIGKILL)
    wait_until(lambda: not _remaining(layout, recorded), within=5)
    for path in layout.run.glob("*.sock"):
        path.unlink()
    _remove_postmaster_locks(layout)
    return len(members | servers)


def _remaining(layout: Layout, recorded: tuple[ProcessState, ...]) -> set[int]:
    return {*_survivors(recorded), *_postgres_processes(layout)}


def _survivors(recorded: tuple[ProcessState, ...]) -> Iterator[int]:
    """Processes in the sessions of recorded services.

    A session keeps its number while it has members, even after its leader has ended. So a session is ours
    unless a process with the leader's pid lives that was born at another time than the leader.
    """
    sessions = {
        service.pid
        for service in recorded
        if service.pid and is_of_this_boot(service.birth) and birth(service.pid) in (None, service.birth)
    }
    for pid in psutil.pids() if sessions else ():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions and birth(pid) is not None:
                yield pid


def _postgres_processes(layout: Layout) -> Iterator[int]:
    """The server of our cluster and its children. Each has its own session; all work in the cluster's folder."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.cwd() == str(layout.postgres_data) and Path(process.exe()).name == "postgres":
                yield process.pid


def _remove_postmaster_locks(layout: Layout) -> None:
    """PostgreSQL does not start while a process has the pid of its last run.

    In a container another process gets that pid often. The server's own zombie has it where init collects no zombies.
    """
    locks = (layout.postgres_data / "postmaster.pid", Path(f"{layout.postgres_socket}.lock"))
    for lock in locks:
        lock.unlink(missing_ok=True)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
