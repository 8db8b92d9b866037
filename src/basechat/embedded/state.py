"""State of a running stack: written by the supervisor, read by `status`, `down` and the next `up`."""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import psutil

from basechat.embedded.layout import Layout

Phase = Literal["waiting", "ready", "restarting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """One service. Its pid and birth together identify one process."""

    name: str
    phase: Phase
    pid: int | None = None
    birth: str | None = None
    restarts: int = 0
    seconds: float | None = None
    """Time from the start until the service was ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The supervisor and its services."""

    pid: int
    birth: str | None
    address: str
    since: float
    """Start, in seconds since the epoch."""
    services: tuple[ProcessState, ...] = field(default=())

    @property
    def is_alive(self) -> bool:
        return self.birth is not None and birth(self.pid) == self.birth


def find_running(layout: Layout) -> StackState | None:
    # The stack that runs on this folder now, as its supervisor last wrote it.
    state = read_state(layout)
    return state if state is not None and state.is_alive else None


def read_state(layout: Layout) -> StackState | None:
    # The state that was written last. Its supervisor may have ended long ago.
    try:
        raw: dict[str, Any] = json.loads(layout.state.read_text())
        services = tuple(ProcessState(**service) for service in raw.pop("services"))
        return StackState(**raw, services=services)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_state(layout: Layout, state: StackState) -> None:
    """Replace the file in one step, so that readers never see half of it."""
    draft = Path(f"{layout.state}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(state), indent=1) + "\n")
    draft.replace(layout.state)


def birth(pid: int) -> str | None:
    """Boot, pid namespace and start time of a process; None if it does not run.

    Pids are reused: within one boot, after a reboot, and in the next container. Pid and birth together are unique.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{_boot()}:{_start_time(process)}"
    except (psutil.Error, OSError):
        return None


def is_of_this_boot(birth: str | None) -> bool:
    return birth is not None and birth.rpartition(":")[0] == _boot()


@cache
def _boot() -> str:
    if sys.platform != "linux":
        return str(int(psutil.boot_time()))
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _start_time(process: psutil.Process) -> str:
    """On Linux in ticks of the kernel: psutil's time moves when the clock is corrected."""
    if sys.platform != "linux":
        return str(process.create_time())
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
