"""The report of a run: for the terminal, as JSON and for `bench/README.md`."""

import math
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psutil

from bench.figures import Figure
from bench.stack import ROOT

README = ROOT / "bench" / "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a bench measures, its command, the product beside it, and its section of the README."""

    command: str
    product: str
    section: str
    beside: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run and its machine."""

    subject: Subject
    began: datetime
    seconds: float
    flags: Sequence[str]
    busy_percent: float
    figures: Sequence[Figure]

    @property
    def missed(self) -> list[Figure]:
        """The figures beyond their limit."""
        return [figure for figure in self.figures if figure.met is False]

    def table(self) -> str:
        """The table for a terminal."""
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            first, *others = (cell for cell in row)
            cells = [
                first.ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
            ]
            lines.append("  ".join(cells))
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """Everything for JSON."""
        return {
            "began": self.began.isoformat().replace("+00:00", "Z"),
            "seconds": round(self.seconds, 1),
            "options": self._command,
            "machine": machine(),
            "busy_percent_before": self.busy_percent,
            "commit": commit(),
            "figures": [figure.document() for figure in self.figures],
        }

    def markdown(self) -> str:
        """The section of the README, without its markers."""
        where = machine()
        headings, *rows = self._rows()
        ruler = ("---", *("---:" for _ in headings[2:]), "---")
        about = (
            f"{self.began:%Y-%m-%d %H:%M} UTC, commit {commit()}, `{self._command}`, {self.seconds:.0f} s in all; "
            f"{where['cores']} cores ({where['processor']}), {where['memory_gb']} GB, "
            f"{where['system']}, Python {where['python']}; "
            f"other work before the run: {self.busy_percent:.0f} % of the cores."
        )
        return "\n".join([about, "", *("| " + " | ".join(row) + " |" for row in (headings, ruler, *rows))])

    def write_json(self, path: Path) -> None:
        """Write the run as JSON."""
        path.write_bytes(orjson.dumps(self.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def write_readme(self) -> None:
        """Put the run between the markers of the README."""
        begin, end = (f"<!-- {self.subject.section}: {mark} -->" for mark in ("begin", "end"))
        before, _, rest = README.read_text().partition(begin)
        _, _, after = rest.partition(end)
        README.write_text(f"{before}{begin}\n{self.markdown()}\n{end}{after}")

    @property
    def _command(self) -> str:
        return " ".join([self.subject.command, *self.flags])

    def _rows(self) -> list[tuple[str, ...]]:
        others = ("direct", self.subject.beside) if self.subject.beside else ("direct",)
        headings = ("figure", self.subject.product, *others, "difference", "ratio", "limit", "verdict")
        return [headings, *(_cells(figure, beside=self.subject.beside is not None) for figure in self.figures)]


def _cells(figure: Figure, *, beside: bool) -> tuple[str, ...]:
    if figure.limit is None:
        limit, verdict = "", ""
    else:
        sign = {"at most": "≤", "at least": "≥", "difference at most": "direct +"}[figure.judged]
        limit = f"{sign} {_number(figure.limit)} {figure.unit}"
        verdict = "met" if figure.met else "MISSED"
    difference = (
        "" if figure.difference is None else f"{'+' if figure.difference > 0 else ''}{_number(figure.difference)}"
    )
    return (
        figure.name,
        f"{_number(figure.ours)} {figure.unit}",
        _maybe(figure.direct),
        *([_maybe(figure.beside)] if beside else []),
        difference,
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        limit,
        verdict,
    )


def _maybe(value: float | None) -> str:
    return "" if value is None else _number(value)


def _number(value: float) -> str:
    if math.isnan(value):
        return "none"
    if abs(value) >= 100 or value.is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def machine() -> dict[str, Any]:
    """The machine, as far as the figures depend on it."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
    }


def _processor() -> str:
    with_names = Path("/proc/cpuinfo")
    if with_names.exists():
        for line in with_names.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def commit() -> str:
    """Short id of the commit, marked if the tree has changes."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return answer.stdout.strip() or "unknown"


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)
