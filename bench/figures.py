"""Measured figures and their limits."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number (NaN if nothing was measured), the direct call's number, and the limit.

    `beside` is the number of another product in the same run.
    """

    name: str
    unit: str
    ours: float
    direct: float | None = None
    beside: float | None = None
    limit: float | None = None
    judged: Literal["at most", "at least", "difference at most"] = "at most"

    @property
    def difference(self) -> float | None:
        """Ours minus the direct call's."""
        return None if self.direct is None else self.ours - self.direct

    @property
    def ratio(self) -> float | None:
        """Ours divided by the direct call's."""
        return self.ours / self.direct if self.direct else None

    @property
    def met(self) -> bool | None:
        """Whether the limit is met; None without a limit."""
        if self.limit is None:
            return None
        if self.judged == "at least":
            return self.ours >= self.limit
        value = self.ours if self.judged == "at most" else self.difference
        return value is not None and value <= self.limit

    def document(self) -> dict[str, Any]:
        """The figure for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "direct": self.direct,
            "beside": self.beside,
            "difference": self.difference,
            "ratio": self.ratio,
            "judged": self.judged,
            "limit": self.limit,
            "met": self.met,
        }


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile, interpolated between the two values next to it."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
