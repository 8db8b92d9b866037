"""How long a service that has ended waits for its next start."""

import time
from collections.abc import Callable

SHORTEST_DELAY, LONGEST_DELAY = 0.5, 30.0
AT_ONCE = 10
WINDOW = 60.0
"""A service that had become ready is started again at once, so many times in so many seconds."""


class Backoff:
    """Remembers the ends of one service.

    One that works and is killed is wanted back at once. One that can't start, or that ends again and again soon after
    it has become ready, would only keep the machine busy: each further try waits twice as long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed_starts = 0
        self._ends: list[float] = []

    def note_end(self, *, was_ready: bool) -> float:
        """Note that the service has ended; returns the seconds to wait."""
        if not was_ready:
            self._failed_starts += 1
            return _delay(self._failed_starts)
        now = self._clock()
        self._failed_starts = 0
        self._ends = [end for end in self._ends if end > now - WINDOW] + [now]
        return _delay(len(self._ends) - AT_ONCE)


def _delay(tries: int) -> float:
    return min(SHORTEST_DELAY * 2.0 ** (tries - 1), LONGEST_DELAY) if tries > 0 else 0.0
