"""One supervised service: its process, its phase and its next start."""

import time
from collections.abc import Callable
from pathlib import Path

from basechat.embedded import logs
from basechat.embedded.health import wait_until
from basechat.embedded.process import Service
from basechat.embedded.state import Phase, ProcessState, birth

SHORTEST_DELAY, LONGEST_DELAY = 0.5, 30.0
QUICK_RESTARTS = 10
WINDOW = 60.0
"""A service that had become ready restarts without delay, up to `QUICK_RESTARTS` times in so many seconds."""


class Backoff:
    """The delay before the next start of one service.

    A working service that is killed restarts at once. A service that can't start, or that ends again and again
    soon after it became ready, would keep the machine busy: each further delay is twice as long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed_starts = 0
        self._ends: list[float] = []

    def note_end(self, *, was_ready: bool) -> float:
        """Record an end of the service; returns the seconds to wait."""
        if not was_ready:
            self._failed_starts += 1
            return _delay(self._failed_starts)
        now = self._clock()
        self._failed_starts = 0
        self._ends = [end for end in self._ends if end > now - WINDOW] + [now]
        return _delay(len(self._ends) - QUICK_RESTARTS)


class Watched:
    """A service and its process. Creating it starts the process."""

    def __init__(self, service: Service, *, log: Path) -> None:
        self.service = service
        self.log = log
        self.restarts = 0
        self.seconds: float | None = None
        self.phase: Phase = "waiting"
        self._backoff = Backoff()
        self._due = 0.0
        self._stop_began = 0.0
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
        if self.phase == "waiting" and self.exit_code is None and self.service.ready():
            self.phase = "ready"
            self.seconds = self.age

    def schedule_restart(self) -> float:
        """Plan the next start after the process has ended; returns the delay in seconds."""
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

    def begin_stop(self) -> None:
        self._stop_began = time.monotonic()
        self._child.signal(self.service.stop_signal)

    def await_end(self) -> None:
        """Wait until the process and all its children have ended; kill them after the service's grace period."""
        if self.phase == "restarting":
            return
        left = self.service.grace - (time.monotonic() - self._stop_began)
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


def _delay(tries: int) -> float:
    return min(SHORTEST_DELAY * 2.0 ** (tries - 1), LONGEST_DELAY) if tries > 0 else 0.0
