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


class CacheKeys:
    """Makes keys. Without the secret nobody can tell from one what was asked, not even by guessing."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hmac.new(secret, digestmod=hashlib.sha256)

    def key(self, layer: Layer, parts: Parts) -> str:
        """Return the key of a value in Redis."""
        hashed = self._keyed.copy()  # cheaper than one from the secret
        hashed.update(json.canonical([_FORMAT, layer.name, layer.label, layer.version, parts]))
        return layer.prefix + hashed.hexdigest()
