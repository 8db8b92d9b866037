"""JSON as BaseChat writes it: compact, times in UTC with `Z`, UUIDs as strings."""

from typing import Any
from uuid import UUID

import orjson

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def dumps(value: Any) -> bytes:
    """Return compact JSON in UTF-8."""
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def canonical(value: Any) -> bytes:
    """Return JSON that is the same for the same value, whatever the order of its fields."""
    return orjson.dumps(value, default=_plain, option=_OPTIONS | orjson.OPT_SORT_KEYS)


def loads(text: bytes | str) -> Any:
    """Return what the JSON text says; raises ValueError."""
    return orjson.loads(text)


def _plain(value: Any) -> str:
    """Write the UUIDs of the database driver, which are of a class of their own."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError
