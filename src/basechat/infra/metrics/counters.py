"""Counters of one process: adding costs a dictionary's step, everything else happens beside the requests."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

LATE_MINUTES = 120
"""How long what can't be flushed is kept; beyond, the oldest minutes are lost."""

Minute = int
"""Minutes since the epoch."""


class Counters:
    """Sums by name, which only grow: those that are open, those that wait to be flushed, and all of this process."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._open: defaultdict[str, float] = defaultdict(float)
        self._waiting: dict[Minute, defaultdict[str, float]] = {}
        self._totals: defaultdict[str, float] = defaultdict(float)

    def add(self, name: str, value: float = 1.0) -> None:
        """Count something; dots divide a name of at most 200 characters, like `cache.llm.hit`."""
        self._open[name] += value

    def value(self, name: str) -> float:
        """Return what this process has counted under a name since its start."""
        return self._totals.get(name, 0.0) + self._open.get(name, 0.0)

    def close_minute(self) -> None:
        """Put the open sums down under the minute that it is now: called each second, that is near enough."""
        if self._open:
            closed, self._open = self._open, defaultdict(float)
            waiting = self._waiting.setdefault(self._now(), defaultdict(float))
            for name, value in closed.items():
                waiting[name] += value
                self._totals[name] += value
        for minute in [minute for minute in self._waiting if self.is_over(minute)]:
            del self._waiting[minute]
            log.warning("counters of the minute %d could not be flushed for too long and are lost", minute)

    def is_over(self, minute: Minute) -> bool:
        """Return whether it is too late to flush a minute: nobody looks at it again."""
        return minute < self._now() - LATE_MINUTES

    def totals(self) -> Mapping[str, float]:
        """Return all that this process has counted since its start."""
        self.close_minute()
        return self._totals

    def take_minutes(self) -> Iterator[tuple[Minute, Mapping[str, float]]]:
        """Yield what was counted and not yet taken, by minute, oldest first; whoever takes it sees to it."""
        self.close_minute()
        while self._waiting:
            minute = next(iter(self._waiting))
            yield minute, self._waiting.pop(minute)

    def _now(self) -> Minute:
        return int(self._clock() // 60)
