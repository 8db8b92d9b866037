"""Bounded waits for things that can't tell us when they happen."""

import select
import time
from collections.abc import Callable


def pause(seconds: float) -> None:
    """Let time pass between two looks at something."""
    select.select([], [], [], seconds)


def wait_until(condition: Callable[[], bool], *, within: float, every: float = 0.02) -> bool:
    """Ask `condition` again and again for at most `within` seconds; returns its last answer."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause(every)
    return True
