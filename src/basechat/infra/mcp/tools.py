"""What the tools of a server are, and what a call of one came to."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as its server describes it; whether that is true is the server's word."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    read_only: bool
    idempotent: bool  # twice comes to the same as once: said so, or read-only
    repeatable: bool  # read-only, and said to be idempotent: results may be cached

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(**stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What a tool answered, as the model is told; `ok` is False where the tool itself says that it failed."""

    ok: bool
    text: str
