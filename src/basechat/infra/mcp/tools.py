"""What the tools of a server are, and what a call of one came to."""

from dataclasses import asdict, dataclass
from typing import Any, Self

PREVIEW_LENGTH = 500  # characters


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
class ToolResult:
    """The result of a call: `text` is for the model. `ok` is False if the tool reports a failure."""

    ok: bool
    text: str
    cached: bool = False

    @property
    def preview(self) -> str:
        """The beginning of the text, for people."""
        return self.text if len(self.text) <= PREVIEW_LENGTH else self.text[: PREVIEW_LENGTH - 1] + "…"
