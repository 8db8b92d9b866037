"""The processes of a data folder, and what they use together."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

KIB = 1024


def find_processes(data_folder: Path) -> list[psutil.Process]:
    """Return every process that names the folder in its command or works inside it, with all their descendants.

    What hangs on a terminal is a person's, who looks at a log: the stack is detached.
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


def pss_bytes(processes: Iterable[psutil.Process]) -> int | None:
    """Return the sum of the proportional set sizes, or None where the system does not tell them."""
    if sys.platform != "linux":
        return None
    return sum(_pss_bytes(process.pid) for process in processes)


def _pss_bytes(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * KIB for line in rollup.splitlines() if line.startswith("Pss:"))


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Return the processor time that the processes have used so far, without that of children that ended."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def end(processes: Iterable[psutil.Process]) -> list[str]:
    """End what still runs, by its pid; return the names of what did."""
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
