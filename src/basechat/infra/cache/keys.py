"""What a cached value is found by: a keyed hash of everything that can change it."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from basechat.infra.cache.layers import Layer
from basechat.kit import json

_FORMAT = 2
"""Raised whenever values are written differently: those of another format are not found."""

Parts = Mapping[str, Any]
"""Names and JSON values of all that can change a cached value."""


def cache_key(layer: Layer, parts: Parts, *, secret: bytes) -> str:
    """Return the key in Redis. Without `secret` nobody can tell from a key what was asked, not even by guessing."""
    said = json.canonical([_FORMAT, layer.name, layer.label, layer.version, parts])
    return layer.prefix + hmac.digest(secret, said, hashlib.sha256).hex()
