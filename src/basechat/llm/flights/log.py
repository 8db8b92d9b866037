"""The log of a flight in redis-state: what its leader writes for other processes, sealed entry by entry."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from basechat.infra.encryption import Encryptor
from basechat.kit import json

LEASE_MS = 5_000
"""How long a claim to lead lives without its leader."""
LOG_SECONDS = 30
"""How long a log outlives its last entry."""
WANTED_SECONDS = 3.0
"""How long a follower is believed to be there after it said so; it says so each second."""
SILENCE_SECONDS = 3.0
"""After which a leader that writes nothing, not even a beat, is taken for dead."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """What a leader says: more of the stream, that it lives, or how it ended."""

    provider: str = ""
    at: int = 0
    """How many bytes of the stream come before `raw`."""
    raw: bytes = b""
    has_ended: bool = False
    is_lost: bool = False
    error: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    body: bytes | None = None


def flight_key(key: str) -> str:
    """Return the key under which it stands who leads a flight."""
    return f"flight:{key.rpartition(':')[2]}"


def log_key(leader: bytes) -> str:
    """Return the key of a flight's log."""
    return f"flight:{leader.decode()}:log"


def wanted_key(process: str) -> str:
    """Return the key of the stream from which a process hears which of its flights are wanted."""
    return f"flight:wanted:{process}"


def seal(encryptor: Encryptor, key: str, entry: Entry) -> bytes:
    """Return an entry as it is written."""
    said = {
        "provider": entry.provider, "at": entry.at, "raw": b64encode(entry.raw).decode(), "has_ended": entry.has_ended,
        "is_lost": entry.is_lost, "error": entry.error, "document": entry.document,
        "body": None if entry.body is None else b64encode(entry.body).decode(),
    }  # fmt: skip
    return encryptor.encrypt(json.dumps(said), associated_data=key)


def unseal(encryptor: Encryptor, key: str, sealed: bytes) -> Entry | None:
    """Return an entry as it was written, or None where no key opens it."""
    text = encryptor.decrypt(sealed, associated_data=key)
    if text is None:
        return None
    said = json.loads(text)
    body = None if said["body"] is None else b64decode(said["body"])
    return Entry(**(said | {"raw": b64decode(said["raw"]), "body": body}))
