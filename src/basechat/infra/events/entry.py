"""One entry of a run's log and its id, `attempt-seq`, by which Redis itself refuses a former owner."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.asyncio.client import Pipeline

from basechat.kit import json
from basechat.protocol import RunEvent

STARTED_ID = "0-1"  # of `run.started`, written where the run is accepted
KEPT_AFTER_END = 3600  # seconds
KEPT_AT_MOST = 48 * 3600  # seconds; no run lives longer, so no log outlives a process that died before its end

_ID = re.compile(r"(\d{1,9})-(\d{1,12})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it lies in the log; `data` is JSON."""

    id: str
    event: str
    data: bytes


def log_key(run_id: UUID) -> str:
    """Return the key of a run's log."""
    return f"run:{run_id}:events"


def fields(event: str, data: bytes) -> dict[Any, Any]:
    """Return the fields of a stream entry."""
    return {b"e": event, b"d": data}


def read_entries(answer: Any) -> list[Entry]:
    """Return the entries that Redis answered to XRANGE, or to XREAD for one stream."""
    return [Entry(entry_id.decode(), values[b"e"].decode(), values[b"d"]) for entry_id, values in answer or ()]


def order(entry_id: str) -> tuple[int, int]:
    """Return what entry ids are ordered by; raises ValueError if it is none."""
    match = _ID.fullmatch(entry_id)
    if match is None:
        raise ValueError(entry_id)
    return int(match[1]), int(match[2])


def begin_log(pipeline: Pipeline, run_id: UUID, entry: Entry) -> None:
    """Add to the pipeline what begins a log, or ends one that no attempt will write to again."""
    pipeline.xadd(log_key(run_id), fields(entry.event, entry.data), id=entry.id)
    pipeline.expire(log_key(run_id), KEPT_AT_MOST)


def to_entry(entry_id: str, event: RunEvent) -> Entry:
    """Return an event as an entry of the log."""
    return Entry(entry_id, event.event, json.dumps(event))
