"""The layers of the cache, and the keys of their values: keyed hashes of all that can change a value."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from basechat.kit import json

_FORMAT = 2
"""Raise it when all values are written differently. Values of another format are not found."""

Parts = Mapping[str, Any]
"""Names and JSON values of all that can change a cached value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One kind of cached value. Raise `version` when the form or the meaning of its values changes."""

    name: str
    ttl_seconds: int
    version: int = 1
    label: str = ""
    is_counted: bool = True
    """Whether reads count as hits and misses. False for values that only lead to other values."""

    def of(self, label: str) -> Self:
        # The layer for one tool or similar, whose label is a part of the keys.
        return replace(self, label=label)

    @property
    def prefix(self) -> str:
        return f"{self.name}:{self.label}:" if self.label else f"{self.name}:"


LLM = Layer(name="llm", ttl_seconds=3600)
MCP = Layer(name="mcp", ttl_seconds=1800)
INTENT = Layer(name="intent", ttl_seconds=7200, version=2)
LAYERS = (LLM, MCP, INTENT)


class CacheKeys:
    """Makes keys. Without the secret a key does not reveal its parts, and guesses can't be checked."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hmac.new(secret, digestmod=hashlib.sha256)

    def key(self, layer: Layer, parts: Parts) -> str:
        hashed = self._keyed.copy()  # faster than a new one from the secret
        hashed.update(json.canonical([_FORMAT, layer.name, layer.label, layer.version, parts]))
        return layer.prefix + hashed.hexdigest()
