"""The verdict of a chaos run, and its report."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The counts. `problems` is empty if all promises were kept."""

    seed: int
    chats: int
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    reconnects: int = 0
    late_viewers: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the report."""
        yield f"{self.faults.total()} faults in {self.seconds:.0f} s, {self.chats} chats, seed {self.seed}"
        for name, count in sorted(self.faults.items()):
            yield f"  {count:4} × {name}"
        yield f"messages: {self.accepted} accepted; ended {_told(self.ended)}"
        if self.causes:
            yield f"causes of failure: {_told(self.causes)}"
        yield f"attempts: {_told(self.attempts)}"
        yield f"viewers came back {self.reconnects} times; {self.late_viewers} late ones were shown the same text"
        if self.calls:
            yield f"calls of tools: {_told(self.calls)}"
        for problem in self.problems:
            yield f"PROBLEM {problem}"
        yield f"{len(self.problems)} problems; repeat with --seed {self.seed}"


def _told(counts: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
