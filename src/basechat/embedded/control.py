"""Look at a running stack and stop it, from another process."""

import os
import signal
from contextlib import suppress

from basechat.embedded import folder, orphans
from basechat.embedded.errors import StackError
from basechat.embedded.layout import Layout
from basechat.embedded.state import StackState, read_state
from basechat.embedded.waiting import wait_until

_LONGEST_STOP = 90.0
"""Seconds; each stage of services has its own, shorter grace."""


def find_running(layout: Layout) -> StackState | None:
    """The stack that runs on this folder now, as its supervisor last wrote it down."""
    state = read_state(layout)
    return state if state is not None and state.is_alive else None


def stop_stack(layout: Layout) -> str:
    """Stop what runs, wait until it is gone, and tell in a sentence what was done."""
    if not layout.version.exists():
        return f"Nothing to stop: {layout.data} holds no BaseChat."
    with folder.locked(layout) as idle:
        if idle:
            ended = orphans.clear(layout)
            left = f" {ended} processes of a run that was cut off were ended." if ended else ""
            return f"BaseChat is not running on {layout.data}.{left}"
    state = find_running(layout)
    if state is not None:
        with suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGTERM)
    if not wait_until(lambda: _is_idle(layout) and not (state and state.is_alive), within=_LONGEST_STOP, every=0.05):
        raise StackError(
            f"BaseChat did not stop within {_LONGEST_STOP:g} s. "
            f"See {layout.log('supervisor')}, or end process {state.pid if state else '?'} and run this again."
        )
    return "BaseChat has stopped."


def _is_idle(layout: Layout) -> bool:
    with folder.locked(layout) as idle:
        return idle
