"""Signals as events of a loop: they are noted, and wake whoever waits."""

import os
import select
import signal
from types import FrameType


class Signals:
    """Installed once per supervisor. SIGCHLD only wakes; the others ask to stop."""

    def __init__(self, *, ignore_hangup: bool = False) -> None:
        self.stop_asked = False
        self._reader, writer = os.pipe()
        for end in (self._reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore_hangup else self._ask_to_stop)

    def wait(self, seconds: float) -> None:
        """Let time pass, less of it when a signal comes."""
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_asked = True
