"""The processes of a data folder, and their memory and processor time."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

KIB = 1024


def find_processes(data_folder: Path) -> list[psutil.Process]:
    """Every process that names the folder in its command or works inside it, with all their descendants.

    Processes with a terminal are left out: a person may be reading a log there. The stack is detached.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if _belongs(process, str(data_folder)):
                found |= {one.pid: one for one in [process, *process.children(recursive=True)]}
    found.pop(psutil.Process().pid, None)
    return list(found.values())


def _belongs(process: psutil.Process, folder: str) -> bool:
    if process.terminal() is not None:
        return False
    if any(folder in part for part in process.cmdline()):
        return True
    with suppress(psutil.AccessDenied):
        return process.cwd().startswith(folder)
    return False


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident and proportional set size in bytes. Shared memory counts in full, or by its share."""

    rss: int
    pss: int


def memory(processes: Iterable[psutil.Process]) -> Memory | None:
    """Sum over the processes, or None where the system doesn't report it."""
    if sys.platform != "linux":
        return None
    each = [_rollup(process.pid) for process in processes]
    return Memory(sum(one.get("Rss", 0) for one in each), sum(one.get("Pss", 0) for one in each))


def _rollup(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: int(size) * KIB for name, size, *_ in (line.replace(":", "").split() for line in lines)}


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Processor time used by the processes so far, without ended children."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def end(processes: Iterable[psutil.Process]) -> list[str]:
    """End processes that still run, by pid; returns their names."""
    alive = [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    names = []
    for process in alive:
        with suppress(psutil.Error):
            names.append(f"{process.name()} ({process.pid})")
            process.terminate()
    _, stubborn = psutil.wait_procs(alive, timeout=10)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    return names
