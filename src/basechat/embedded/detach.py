"""Go to the background once the stack serves, so that `up --detach` can still tell how the start went."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def leave_terminal(log: Path) -> Callable[[], None]:
    """Go on in a copy of this process, in a session of its own; the original waits for word from it and exits.

    Returns, in the copy only, what to call when all is well: it sends the output from the terminal to `log`. A copy
    that ends without that call passes its exit code on.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        sys.exit(_await_word(reader, pid))
    os.close(reader)
    os.setsid()

    def ready() -> None:
        _redirect(log)
        os.write(writer, b"\n")
        os.close(writer)

    return ready


def _await_word(reader: int, pid: int) -> int:
    while True:
        try:
            if os.read(reader, 1):
                return 0
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _redirect(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.devnull) as nothing, log.open("ab") as output:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
