"""One service under watch: its process, its phase, when it is to be started again."""

import time
from pathlib import Path

from basechat.embedded import logs
from basechat.embedded.backoff import Backoff
from basechat.embedded.identity import birth
from basechat.embedded.service import Service
from basechat.embedded.state import Phase, ProcessState
from basechat.embedded.waiting import wait_until


class Watched:
    """Starts its service when it is made."""

    def __init__(self, service: Service, *, log: Path) -> None:
        self.service = service
        self.log = log
        self.restarts = 0
        self.seconds: float | None = None
        self.phase: Phase = "waiting"
        self._backoff = Backoff()
        self._due = 0.0
        self._asked = 0.0
        self._launch()

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def exit_code(self) -> int | None:
        return self._child.poll()

    @property
    def age(self) -> float:
        return time.monotonic() - self._launched

    def probe(self) -> None:
        """See whether a process that was waited for has become ready."""
        if self.phase == "waiting" and self.exit_code is None and self.service.ready():
            self.phase = "ready"
            self.seconds = self.age

    def schedule_restart(self) -> float:
        """Its process has ended: plan the next one; returns the delay in seconds."""
        self._child.sweep()
        delay = self._backoff.note_end(was_ready=self.phase == "ready")
        self._due = time.monotonic() + delay
        self.phase = "restarting"
        return delay

    @property
    def is_due(self) -> bool:
        return self.phase == "restarting" and time.monotonic() >= self._due

    def restart(self) -> None:
        self.restarts += 1
        self._launch()

    def ask_to_stop(self) -> None:
        self._asked = time.monotonic()
        self._child.signal(self.service.stop_signal)

    def await_end(self) -> None:
        """Returns when the process and all it started are gone, by force after the service's grace."""
        if self.phase == "restarting":
            return
        left = self.service.grace - (time.monotonic() - self._asked)
        if not wait_until(lambda: self.exit_code is not None, within=max(left, 0)):
            self._child.sweep()
            wait_until(lambda: self.exit_code is not None, within=5)
        self._child.sweep()

    def state(self) -> ProcessState:
        return ProcessState(
            name=self.service.name,
            phase=self.phase,
            pid=self._child.pid if self.phase != "restarting" else None,
            birth=self._birth if self.phase != "restarting" else None,
            restarts=self.restarts,
            seconds=None if self.seconds is None else round(self.seconds, 2),
        )

    def _launch(self) -> None:
        logs.bound(self.log)
        self.log_start = logs.size(self.log)
        self._launched = time.monotonic()
        self._child = self.service.launch()
        self._birth = birth(self._child.pid)
        self.phase = "waiting"
