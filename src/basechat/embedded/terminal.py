"""The terminal of `up`: progress of the start, and leaving the terminal for the background."""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click

_COLORS = {"ready": "green", "waiting": "yellow"}

_WIDTH = 12  # of the longest name


class Progress:
    """A line per service, drawn in place on a terminal, and sentences. The supervisor's log keeps the sentences."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._lines: dict[str, tuple[str, str]] = {}
        self._table = sys.stdout.isatty()
        self._drawn = 0
        self._silent = False

    def show(self, name: str, phase: str, detail: str = "") -> None:
        self._lines[name] = (phase, detail)
        if self._table:
            self._erase()
            click.echo("\n".join(self._line(name) for name in self._lines))
            self._drawn = len(self._lines)
        elif phase != "waiting":
            click.echo(self._line(name))

    def say(self, sentence: str) -> None:
        """Print and log a sentence. The table above it stays; later phases begin a new table."""
        if not self._silent:
            click.echo(sentence)
        self._lines.clear()
        self._drawn = 0
        self._log_sentence(sentence.strip())

    def silence(self) -> None:
        self._silent = True

    def _erase(self) -> None:
        if self._drawn:
            click.echo(f"\x1b[{self._drawn}A\x1b[J", nl=False)

    def _line(self, name: str) -> str:
        phase, detail = self._lines[name]
        return f"  {name:<{_WIDTH}}  {click.style(f'{phase:<8}', fg=_COLORS.get(phase, 'red'))}  {detail}".rstrip()

    def _log_sentence(self, sentence: str) -> None:
        with suppress(OSError), self._log.open("a") as file:  # a full disk must not stop the stack
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {sentence}\n")


def leave_terminal(log: Path) -> Callable[[], None]:
    """Continue in a forked process with its own session. The original waits for it and exits.

    Returns, in the fork only, a function to call when the stack is ready: it sends the output to `log`, and the
    original exits with 0. If the fork ends without that call, the original exits with the fork's exit code.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        sys.exit(_await_fork(reader, pid))
    os.close(reader)
    os.setsid()

    def ready() -> None:
        _redirect_output(log)
        os.write(writer, b"\n")
        os.close(writer)

    return ready


def _await_fork(reader: int, pid: int) -> int:
    while True:
        try:
            if os.read(reader, 1):
                return 0
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _redirect_output(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.devnull) as nothing, log.open("ab") as output:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
