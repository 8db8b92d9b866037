"""Counters of one process. To add is one step in a dictionary; all else happens outside the requests."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

LATE_MINUTES = 120
"""Age at which minutes that can't be flushed are dropped."""

Minute = int
"""Minutes since the epoch."""


class Counters:
    """Sums by name: those of the current second, those not flushed yet, and the totals of this process."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._current: defaultdict[str, float] = defaultdict(float)
        self._waiting: dict[Minute, defaultdict[str, float]] = {}
        self._totals: defaultdict[str, float] = defaultdict(float)

    def add(self, name: str, value: float = 1.0) -> None:
        """Add to a counter. Its name has at most 200 characters, with parts divided by dots: `cache.llm.hit`."""
        self._current[name] += value

    def value(self, name: str) -> float:
        return self._totals.get(name, 0.0) + self._current.get(name, 0.0)

    def close_minute(self) -> None:
        """Assign the current sums to the present minute. Calls each second make that exact enough."""
        if self._current:
            closed, self._current = self._current, defaultdict(float)
            waiting = self._waiting.setdefault(self._now(), defaultdict(float))
            for name, value in closed.items():
                waiting[name] += value
                self._totals[name] += value
        for minute in [minute for minute in self._waiting if self.is_over(minute)]:
            del self._waiting[minute]
            log.warning("counters of the minute %d could not be flushed for too long and are lost", minute)

    def is_over(self, minute: Minute) -> bool:
        """Whether a minute is too old to be flushed: no reader looks at it again."""
        return minute < self._now() - LATE_MINUTES

    def totals(self) -> Mapping[str, float]:
        self.close_minute()
        return self._totals

    def take_minutes(self) -> Iterator[tuple[Minute, Mapping[str, float]]]:
        # Yield what is not flushed, by minute, oldest first. The caller becomes responsible for it.
        self.close_minute()
        while self._waiting:
            minute = next(iter(self._waiting))
            yield minute, self._waiting.pop(minute)

    def _now(self) -> Minute:
        return int(self._clock() // 60)
