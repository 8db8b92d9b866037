"""Start the services in their order, keep them running, and stop them in reverse; one thread, no event loop."""

import time
from collections.abc import Callable
from contextlib import suppress

from basechat.embedded import logs
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.progress import Progress
from basechat.embedded.service import Service
from basechat.embedded.signals import Signals
from basechat.embedded.watched import Watched

_LOG_CHECK = 60.0
_PROBE = 0.03
_LINES = 15


class StoppedEarlyError(Exception):
    """Somebody asked the stack to stop while it was still starting."""


class Supervisor:
    """The services it has started, in order; `changed` is called whenever one comes to another phase."""

    def __init__(self, layout: Layout, progress: Progress, signals: Signals, changed: Callable[[], None]) -> None:
        self._layout = layout
        self._progress = progress
        self._signals = signals
        self._changed = changed
        self._stages: list[list[Watched]] = []
        self._next_log_check = time.monotonic() + _LOG_CHECK

    @property
    def watched(self) -> list[Watched]:
        return [watched for stage in self._stages for watched in stage]

    def start(self, *services: Service) -> None:
        """Start services at once; those of one call are stopped together, too."""
        self._require_wanted()
        stage: list[Watched] = []
        self._stages.append(stage)
        for service in services:
            stage.append(Watched(service, log=self._layout.log(service.name)))
            self._progress.show(service.name, "waiting")
        self._changed()

    def await_ready(self, *names: str) -> None:
        """Wait until these services (or all) are ready; raises StackError with the log of one that fails."""
        while self._are_waiting(names):
            self.look()
            self._signals.wait(_PROBE)

    def look(self) -> None:
        """Note what has become ready; raises StackError for what never will."""
        self._require_wanted()
        for watched in self.watched:
            if watched.phase == "waiting":
                watched.probe()
                self._judge(watched)

    def keep_running(self) -> None:
        """Start again what dies, until somebody asks us to stop."""
        while not self._signals.stop_asked:
            for watched in self.watched:
                self._look_after(watched)
            self._bound_logs()
            self._signals.wait(self._time_to_look())

    def stop(self) -> None:
        """Stop all, last started first; returns when nothing of it is left."""
        for stage in reversed(self._stages):
            for watched in stage:
                watched.ask_to_stop()
            for watched in stage:
                watched.await_end()

    def _require_wanted(self) -> None:
        if self._signals.stop_asked:
            raise StoppedEarlyError

    def _are_waiting(self, names: tuple[str, ...]) -> bool:
        return any(watched.phase == "waiting" and (not names or watched.name in names) for watched in self.watched)

    def _judge(self, watched: Watched) -> None:
        """What the first start of a service has come to, once it has come to something."""
        if watched.phase == "ready":
            self._progress.show(watched.name, "ready", f"{watched.seconds:5.1f} s")
        elif (problem := _problem(watched)) is None:
            return
        elif watched.service.required:
            raise StackError(self._explain(watched, problem))
        else:
            self._progress.show(watched.name, "failed", f"{problem}; the stack goes on without it. See {watched.log}")
            watched.schedule_restart()
        self._changed()

    def _look_after(self, watched: Watched) -> None:
        before = watched.phase, watched.restarts
        watched.probe()
        if (code := watched.exit_code) is not None and watched.phase != "restarting":
            delay = watched.schedule_restart()
            self._progress.say(f"{watched.name} ended ({_ending(code)}); starting it again{_after(delay)}.")
        if watched.is_due:
            self._restart(watched)
        if (watched.phase, watched.restarts) != before:
            self._changed()

    def _restart(self, watched: Watched) -> None:
        """What the system refuses now, for want of space or memory, it may grant later."""
        try:
            watched.restart()
            self._progress.say(f"{watched.name} is started again.")
        except OSError as error:
            delay = watched.schedule_restart()
            self._progress.say(f"{watched.name} could not be started ({error}); trying again in {delay:g} s.")

    def _time_to_look(self) -> float:
        """The end of a child wakes us anyway."""
        phases = {watched.phase for watched in self.watched}
        return 0.1 if phases != {"ready"} else _LOG_CHECK

    def _bound_logs(self) -> None:
        if time.monotonic() >= self._next_log_check:
            self._next_log_check = time.monotonic() + _LOG_CHECK
            for watched in self.watched:
                with suppress(OSError):
                    logs.bound(watched.log)

    def _explain(self, watched: Watched, problem: str) -> str:
        lines = logs.tail(watched.log, _LINES, since=watched.log_start) or ["(nothing was written)"]
        shown = "\n".join(f"    {line}" for line in lines)
        return (
            f"{watched.name} {problem}. The last lines of {watched.log}:\n{shown}\n"
            "Mend what they name and start again; `basechat logs SERVICE` shows more. Everything was stopped."
        )


def _problem(watched: Watched) -> str | None:
    """What keeps a service from ever becoming ready."""
    if watched.exit_code is not None:
        return f"ended at its start ({_ending(watched.exit_code)})"
    if watched.age > watched.service.patience:
        return f"was not ready after {watched.service.patience:g} s"
    return None


def _after(delay: float) -> str:
    return f" in {delay:g} s" if delay else ""


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
