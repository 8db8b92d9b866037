"""One entry of a live log. Its id is `attempt-seq`, so Redis itself refuses entries of an earlier attempt."""

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

STARTED_ID = "0-1"  # of `run.started`, which is written when the run is accepted
KEPT_AFTER_END = 3600  # seconds
KEPT_AT_MOST = 48 * 3600  # seconds; no run is longer, so the log of a dead worker does not stay forever

_ID = re.compile(r"(\d{1,9})-(\d{1,12})")


@dataclass(frozen=True, slots=True)
class RunLogEntry:
    """One event in the log; `data` is JSON."""

    id: str
    event: str
    data: bytes


def log_key(run_id: UUID) -> str:
    return f"run:{run_id}:events"


def fields(entry: RunLogEntry, key: str, encryptor: Encryptor) -> dict[Any, Any]:
    # Fields of a stream entry. Its data can be decrypted only with its own log and id.
    return {b"e": entry.event, b"d": encryptor.encrypt(entry.data, associated_data=_place(key, entry.id))}


def read_entries(answer: Any, key: str, encryptor: Encryptor) -> list[RunLogEntry]:
    """Decode the reply to XRANGE, or to XREAD for one stream.

    Entries that no key decrypts are skipped: viewers get the text from PostgreSQL in the end.
    """
    entries = []
    for raw_id, values in answer or ():
        entry_id = raw_id.decode()
        data = encryptor.decrypt(values[b"d"], associated_data=_place(key, entry_id))
        if data is None:
            log.error("an entry of %s can't be decrypted: the services have different keys", key)
            continue
        entries.append(RunLogEntry(entry_id, values[b"e"].decode(), data))
    return entries


def order(entry_id: str) -> tuple[int, int]:
    """Sort key of an entry id; raises ValueError for an invalid id."""
    match = _ID.fullmatch(entry_id)
    if match is None:
        raise ValueError(entry_id)
    return int(match[1]), int(match[2])


def begin_log(pipeline: Pipeline, run_id: UUID, entry: RunLogEntry, encryptor: Encryptor) -> None:
    """Add to a pipeline the first entry of a log, or the last entry of a log without an attempt."""
    key = log_key(run_id)
    pipeline.xadd(key, fields(entry, key, encryptor), id=entry.id)
    pipeline.expire(key, KEPT_AT_MOST)


def _place(key: str, entry_id: str) -> str:
    return f"{key}:{entry_id}"


def to_entry(entry_id: str, event: RunEvent) -> RunLogEntry:
    return RunLogEntry(entry_id, event.event, json.dumps(event))
