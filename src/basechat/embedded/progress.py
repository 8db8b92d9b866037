"""What people see while the stack starts: a line per service, drawn in place on a terminal, plain elsewhere."""

import sys
import time
from contextlib import suppress
from pathlib import Path

import click

_COLORS = {"ready": "green", "waiting": "yellow"}

_WIDTH = 12  # of the longest name


class Progress:
    """Lines about services, and sentences. Everything said is also kept in the supervisor's log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._lines: dict[str, tuple[str, str]] = {}
        self._table = sys.stdout.isatty()
        self._drawn = 0
        self._silent = False

    def show(self, name: str, phase: str, detail: str = "") -> None:
        """A service has come to another phase."""
        self._lines[name] = (phase, detail)
        if self._table:
            self._erase()
            click.echo("\n".join(self._line(name) for name in self._lines))
            self._drawn = len(self._lines)
        elif phase != "waiting":
            click.echo(self._line(name))

    def say(self, sentence: str) -> None:
        """Something worth knowing; the table so far stays above it, and what comes later begins a new one."""
        if not self._silent:
            click.echo(sentence)
        self._lines.clear()
        self._drawn = 0
        self._keep(sentence.strip())

    def leave_terminal(self) -> None:
        """From now on nobody looks; what is said goes to the log only."""
        self._silent = True

    def _erase(self) -> None:
        if self._drawn:
            click.echo(f"\x1b[{self._drawn}A\x1b[J", nl=False)

    def _line(self, name: str) -> str:
        phase, detail = self._lines[name]
        return f"  {name:<{_WIDTH}}  {click.style(f'{phase:<8}', fg=_COLORS.get(phase, 'red'))}  {detail}".rstrip()

    def _keep(self, sentence: str) -> None:
        with suppress(OSError), self._log.open("a") as file:  # a full disk is no reason to stop
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {sentence}\n")
