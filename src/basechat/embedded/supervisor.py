"""Start the services in order, keep them running, stop them in reverse order. One thread, no event loop."""

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from basechat.embedded import logs
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.process import Service
from basechat.embedded.terminal import Progress
from basechat.embedded.watched import Watched

_LOG_CHECK = 60.0
_PROBE = 0.03
_LINES = 15


class StoppedEarlyError(Exception):
    """A signal stopped the stack during its start."""


class Signals:
    """Signal handlers of the supervisor: SIGCHLD only wakes it, the other signals stop it."""

    def __init__(self, *, ignore_hangup: bool = False) -> None:
        self.must_stop = False
        self._reader, writer = os.pipe()
        for end in (self._reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore_hangup else self._stop)

    def wait(self, seconds: float) -> None:
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.must_stop = True


class Supervisor:
    """The services that it has started, in order. It calls `on_change` when a service changes its phase."""

    def __init__(self, layout: Layout, progress: Progress, signals: Signals, on_change: Callable[[], None]) -> None:
        self._layout = layout
        self._progress = progress
        self._signals = signals
        self._on_change = on_change
        self._stages: list[list[Watched]] = []
        self._next_log_check = time.monotonic() + _LOG_CHECK

    @property
    def watched(self) -> list[Watched]:
        return [watched for stage in self._stages for watched in stage]

    def start(self, *services: Service) -> None:
        # Start services concurrently. The services of one call are also stopped together.
        self._check_signals()
        stage: list[Watched] = []
        self._stages.append(stage)
        for service in services:
            stage.append(Watched(service, log=self._layout.log(service.name)))
            self._progress.show(service.name, "waiting")
        self._on_change()

    def await_ready(self, *names: str) -> None:
        """Wait until these services (or all) are ready. Raises StackError with the log of one that fails."""
        while self._are_waiting(names):
            self.check()
            self._signals.wait(_PROBE)

    def check(self) -> None:
        """Probe the services that are starting. Raises StackError for one that can't become ready."""
        self._check_signals()
        for watched in self.watched:
            if watched.phase == "waiting":
                watched.probe()
                self._report_start(watched)

    def keep_running(self) -> None:
        while not self._signals.must_stop:
            for watched in self.watched:
                self._maintain(watched)
            self._bound_logs()
            self._signals.wait(self._check_interval())

    def stop(self) -> None:
        for stage in reversed(self._stages):
            for watched in stage:
                watched.begin_stop()
            for watched in stage:
                watched.await_end()

    def _check_signals(self) -> None:
        if self._signals.must_stop:
            raise StoppedEarlyError

    def _are_waiting(self, names: tuple[str, ...]) -> bool:
        return any(watched.phase == "waiting" and (not names or watched.name in names) for watched in self.watched)

    def _report_start(self, watched: Watched) -> None:
        """Report the result of a service's first start, if there is one."""
        if watched.phase == "ready":
            self._progress.show(watched.name, "ready", f"{watched.seconds:5.1f} s")
        elif (problem := _problem(watched)) is None:
            return
        elif watched.service.required:
            raise StackError(self._explain(watched, problem))
        else:
            detail = f"{problem}; BaseChat continues without it. Its log: {watched.log}"
            self._progress.show(watched.name, "failed", detail)
            watched.schedule_restart()
        self._on_change()

    def _maintain(self, watched: Watched) -> None:
        before = watched.phase, watched.restarts
        watched.probe()
        if (code := watched.exit_code) is not None and watched.phase != "restarting":
            delay = watched.schedule_restart()
            self._progress.say(f"{watched.name} ended ({_ending(code)}); starting it again{_after(delay)}.")
        if watched.is_due:
            self._restart(watched)
        if (watched.phase, watched.restarts) != before:
            self._on_change()

    def _restart(self, watched: Watched) -> None:
        """Start a service again. A lack of disk space or memory may end later, so an error schedules another try."""
        try:
            watched.restart()
            self._progress.say(f"{watched.name} was started again.")
        except OSError as error:
            delay = watched.schedule_restart()
            self._progress.say(f"{watched.name} could not be started ({error}); trying again in {delay:g} s.")

    def _check_interval(self) -> float:
        """Seconds. The end of a child wakes the supervisor in any case."""
        phases = {watched.phase for watched in self.watched}
        return 0.1 if phases != {"ready"} else _LOG_CHECK

    def _bound_logs(self) -> None:
        if time.monotonic() >= self._next_log_check:
            self._next_log_check = time.monotonic() + _LOG_CHECK
            for watched in self.watched:
                with suppress(OSError):
                    logs.bound(watched.log)

    def _explain(self, watched: Watched, problem: str) -> str:
        lines = logs.tail(watched.log, _LINES, since=watched.log_start) or ["(the log is empty)"]
        shown = "\n".join(f"    {line}" for line in lines)
        return (
            f"{watched.name} {problem}. The last lines of {watched.log}:\n{shown}\n"
            f"BaseChat was stopped. Correct the cause and start it again. `basechat logs {watched.name}` shows more."
        )


def _problem(watched: Watched) -> str | None:
    """Why a service can't become ready, if so."""
    if watched.exit_code is not None:
        return f"ended at its start ({_ending(watched.exit_code)})"
    if watched.age > watched.service.start_seconds:
        return f"was not ready after {watched.service.start_seconds:g} s"
    return None


def _after(delay: float) -> str:
    return f" in {delay:g} s" if delay else ""


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
