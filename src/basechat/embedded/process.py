"""Start processes so that they die with us, and stop them with all they started."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from basechat.embedded.account import Account
from basechat.embedded.waiting import wait_until

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours, leader of a session (hence also of a process group) of its own."""

    pid: int
    poll: Callable[[], int | None]
    """Exit code (negative: the signal that ended it), None while it runs."""

    def signal(self, number: int) -> None:
        if self.poll() is None:  # else its pid may be somebody else's by now
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def sweep(self) -> None:
        """Kill what is left of its group: nginx's workers, for one, outlive a killed master."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def stop(self, number: int, *, grace: float) -> None:
        """Ask it to end, and kill it where it has not after `grace` seconds."""
        self.signal(number)
        if not wait_until(lambda: self.poll() is not None, within=grace):
            self.sweep()
            wait_until(lambda: self.poll() is not None, within=5)
        self.sweep()


def start_command(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    death_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    folder: Path | None = None,
) -> Child:
    """Run a program, its output appended to `log`; it gets `death_signal` when we die, however we die."""
    parent = os.getpid()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            start_new_session=True,
            # Runs after the change of user, which would clear the death signal.
            preexec_fn=lambda: die_with(parent, death_signal),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=() if account else None,
        )
    return Child(process.pid, process.poll)


def fork(run: Callable[[], None], *, log: Path, death_signal: signal.Signals = signal.SIGTERM) -> Child:
    """Run a function in a copy of this process, its output appended to `log`.

    Only for a process with a single thread: locks held by other threads would stay locked in the copy for ever.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_service(run, log, parent, death_signal)
    return Child(pid, _Wait(pid))


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """Linux: have the kernel send us `death_signal` when our parent ends."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


class _Wait:
    """Exit code of a child that only `os.fork` knows."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None

    def __call__(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code


def _become_service(run: Callable[[], None], log: Path, parent: int, death_signal: signal.Signals) -> None:
    code = 1
    try:
        os.setsid()
        die_with(parent, death_signal)
        _detach_from_parent(log)
        run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not sys.exit: nothing that our parent opened may be closed, flushed or undone by its copy.
        os._exit(code)


def _detach_from_parent(log: Path) -> None:
    """Drop the parent's signal handlers and files: an inherited lock would outlive it."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    with open(os.devnull) as nothing, log.open("ab") as output:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
