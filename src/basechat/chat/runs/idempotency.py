"""`Idempotency-Key`: the same key gives the same run, and only for the same request."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from pydantic import BaseModel

from basechat.kit import json
from basechat.kit.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A request's key, and the hash of what it asks; both None without a key."""

    key: str | None
    hash: str | None

    @classmethod
    def of(cls, key: str | None, target_id: UUID, body: BaseModel) -> "Idempotency":
        """Read a request for a chat or message; requests of another kind have another hash."""
        if key is None:
            return cls(None, None)
        said = {"kind": type(body).__name__, "target": target_id, "body": body.model_dump(mode="json")}
        return cls(key, sha256(json.dumps(said)).hexdigest())

    def check(self, earlier_hash: str) -> None:
        """Raise `InvalidRequestError` if the key was used with another request."""
        if earlier_hash != self.hash:
            raise InvalidRequestError("This Idempotency-Key was used for something else.", code="idempotency.mismatch")
