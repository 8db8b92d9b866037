"""The log of a shared completion in redis-state, which its leader writes for other processes. Entries are encrypted."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from basechat.infra.encryption import Encryptor
from basechat.kit import json

LOG_SECONDS = 30
"""How long a log outlives its last entry."""
WANTED_SECONDS = 3.0
"""How long a follower's wish for the log is valid; followers repeat it every second."""
SILENCE_SECONDS = 3.0
"""After this time without an entry, not even a heartbeat, the leader counts as dead."""


@dataclass(slots=True, kw_only=True)
class LogEntry:
    """More of the stream, a heartbeat, or the end."""

    provider: str = ""
    at: int = 0
    """The number of bytes of the stream before `raw`."""
    raw: bytes = b""
    has_ended: bool = False
    is_lost: bool = False
    error: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    body: bytes | None = None


def log_key(leader: bytes) -> str:
    return f"flight:{leader.decode()}:log"


def wanted_key(process: str) -> str:
    # Redis key of the stream in which followers ask a process for its logs.
    return f"flight:wanted:{process}"


def encrypt_entry(encryptor: Encryptor, key: str, entry: LogEntry) -> bytes:
    fields = {
        "provider": entry.provider, "at": entry.at, "raw": b64encode(entry.raw).decode(), "has_ended": entry.has_ended,
        "is_lost": entry.is_lost, "error": entry.error, "document": entry.document,
        "body": None if entry.body is None else b64encode(entry.body).decode(),
    }  # fmt: skip
    return encryptor.encrypt(json.dumps(fields), associated_data=key)


def decrypt_entry(encryptor: Encryptor, key: str, encrypted: bytes) -> LogEntry | None:
    # The entry, or None if no key of this process decrypts it.
    text = encryptor.decrypt(encrypted, associated_data=key)
    if text is None:
        return None
    fields = json.loads(text)
    body = None if fields["body"] is None else b64decode(fields["body"])
    return LogEntry(**(fields | {"raw": b64decode(fields["raw"]), "body": body}))
