"""What runs in a data folder: written by the supervisor at each change, read by `status`, `down` and the next `up`."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from basechat.embedded.identity import birth
from basechat.embedded.layout import Layout

Phase = Literal["waiting", "ready", "restarting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """One service; pid and birth together are its identity."""

    name: str
    phase: Phase
    pid: int | None = None
    birth: str | None = None
    restarts: int = 0
    seconds: float | None = None
    """How long it took to become ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The supervisor and its services."""

    pid: int
    birth: str | None
    address: str
    since: float
    """Start, in seconds since the epoch."""
    services: tuple[ProcessState, ...] = field(default=())

    @property
    def is_alive(self) -> bool:
        return self.birth is not None and birth(self.pid) == self.birth


def read_state(layout: Layout) -> StackState | None:
    """What was written last, by a supervisor that may be long gone."""
    try:
        raw: dict[str, Any] = json.loads(layout.state.read_text())
        services = tuple(ProcessState(**service) for service in raw.pop("services"))
        return StackState(**raw, services=services)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_state(layout: Layout, state: StackState) -> None:
    """Replace the file in one step, so that no reader sees half of it."""
    draft = Path(f"{layout.state}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(state), indent=1) + "\n")
    draft.replace(layout.state)
