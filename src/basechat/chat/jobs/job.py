"""A job as its handler sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job in the hands of a worker. What is written for it must depend on `attempt` still being the last one."""

    id: UUID
    kind: str
    owner_id: UUID | None
    payload: dict[str, Any]
    attempt: int


Handler = Callable[[Job], Awaitable[None]]
"""Does a job; what it raises is why it failed, and it is tried again later unless that is a `HopelessJobError`."""


class HopelessJobError(Exception):
    """The job failed, and it would fail again."""
