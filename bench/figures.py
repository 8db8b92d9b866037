"""Figures with their limits, and the little arithmetic they need."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number: ours (NaN where there was nothing to measure), the direct call's, and what it may be.

    `beside` is that of another product in the same run.
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
        """Ours less the direct call's."""
        return None if self.direct is None else self.ours - self.direct

    @property
    def ratio(self) -> float | None:
        """Ours over the direct call's."""
        return self.ours / self.direct if self.direct else None

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        if self.judged == "at least":
            return self.ours >= self.limit
        value = self.ours if self.judged == "at most" else self.difference
        return value is not None and value <= self.limit

    def document(self) -> dict[str, Any]:
        """Return the figure for JSON."""
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
    """Return a percentile, interpolated between the two values next to it."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
