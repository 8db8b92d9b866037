"""The layers of the cache: the first part of their keys, and how long what they hold is worth something."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One kind of cached value. Raise `version` whenever the values' form or meaning changes."""

    name: str
    ttl_seconds: int
    version: int = 1
    label: str = ""

    def of(self, label: str) -> Self:
        """Return the layer for one tool or the like, which then is part of its keys."""
        return replace(self, label=label)

    @property
    def prefix(self) -> str:
        """What the layer's keys begin with."""
        return f"{self.name}:{self.label}:" if self.label else f"{self.name}:"


LLM = Layer(name="llm", ttl_seconds=3600)
MCP = Layer(name="mcp", ttl_seconds=1800)
INTENT = Layer(name="intent", ttl_seconds=7200, version=2)
LAYERS = (LLM, MCP, INTENT)
