"""One entry of a run's log and its id, `attempt-seq`, by which Redis itself refuses a former owner."""

import logging
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from basechat.infra.encryption import Encryptor
from basechat.infra.redis import Pipeline
from basechat.kit import json
from basechat.protocol import RunEvent

log = logging.getLogger(__name__)

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


def fields(entry: Entry, key: str, encryptor: Encryptor) -> dict[Any, Any]:
    """Return the fields of a stream entry; its data can be opened at its place in its log alone."""
    return {b"e": entry.event, b"d": encryptor.encrypt(entry.data, associated_data=_place(key, entry.id))}


def read_entries(answer: Any, key: str, encryptor: Encryptor) -> list[Entry]:
    """Return the entries that Redis answered to XRANGE, or to XREAD for one stream.

    What no key opens is passed over: viewers get the text from PostgreSQL in the end.
    """
    entries = []
    for raw_id, values in answer or ():
        entry_id = raw_id.decode()
        data = encryptor.decrypt(values[b"d"], associated_data=_place(key, entry_id))
        if data is None:
            log.error("an entry of %s can't be opened: the services have different keys", key)
            continue
        entries.append(Entry(entry_id, values[b"e"].decode(), data))
    return entries


def order(entry_id: str) -> tuple[int, int]:
    """Return what entry ids are ordered by; raises ValueError if it is none."""
    match = _ID.fullmatch(entry_id)
    if match is None:
        raise ValueError(entry_id)
    return int(match[1]), int(match[2])


def begin_log(pipeline: Pipeline, run_id: UUID, entry: Entry, encryptor: Encryptor) -> None:
    """Add to the pipeline what begins a log, or ends one that no attempt will write to again."""
    key = log_key(run_id)
    pipeline.xadd(key, fields(entry, key, encryptor), id=entry.id)
    pipeline.expire(key, KEPT_AT_MOST)


def _place(key: str, entry_id: str) -> str:
    return f"{key}:{entry_id}"


def to_entry(entry_id: str, event: RunEvent) -> Entry:
    """Return an event as an entry of the log."""
    return Entry(entry_id, event.event, json.dumps(event))
