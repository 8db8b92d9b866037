"""Who is asking: what is known of the person behind a token."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

SCOPES = ("chat", "llm", "mcp", "admin")
Scope = Literal["chat", "llm", "mcp", "admin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person, and the browser session or API token that speaks for them."""

    user_id: UUID
    role: str
    kind: Literal["session", "token"]
    credential_id: UUID
    scopes: tuple[str, ...]
    expires_at: datetime | None

    def may(self, scope: Scope) -> bool:
        """Return whether this credential reaches what the scope names."""
        return scope in self.scopes and (scope != "admin" or self.role == "admin")
