"""The interval of Clopper and Pearson: what a proportion may be, after so many of so many were seen."""

from collections.abc import Callable
from math import comb

_ALPHA = 0.05
_STEPS = 60


def interval(hits: int, of: int) -> tuple[float, float]:
    """Return the bounds of the 95 % confidence interval."""
    low = 0.0 if hits == 0 else _root(lambda p: 1 - _at_most(hits - 1, of, p) < _ALPHA / 2)
    high = 1.0 if hits == of else _root(lambda p: _at_most(hits, of, p) > _ALPHA / 2)
    return low, high


def _at_most(hits: int, of: int, p: float) -> float:
    """Return the probability of `hits` or fewer."""
    return sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(hits + 1))


def _root(is_below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return low
