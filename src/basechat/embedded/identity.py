"""Tell processes apart for good: pids come round again, also after a reboot and in the next container."""

import os
import sys
from functools import cache
from pathlib import Path

import psutil


def birth(pid: int) -> str | None:
    """When and where a process was started; None where none runs. Pid and birth together name one process only."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{_world()}:{_started(process)}"
    except (psutil.Error, OSError):
        return None


def is_of_this_world(birth: str | None) -> bool:
    """Whether a recorded birth took place since the machine was started, and among the processes that we see."""
    return birth is not None and birth.rpartition(":")[0] == _world()


@cache
def _world() -> str:
    if sys.platform != "linux":
        return str(int(psutil.boot_time()))
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _started(process: psutil.Process) -> str:
    """On Linux in the kernel's own ticks, as a clock that is set right later moves psutil's time."""
    if sys.platform != "linux":
        return str(process.create_time())
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
