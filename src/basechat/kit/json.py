"""JSON in one format: compact UTF-8, times in UTC with `Z`, UUIDs as strings."""

from typing import Any
from uuid import UUID

import orjson

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, default=_to_string, option=_OPTIONS)


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, default=_to_string, option=_OPTIONS | orjson.OPT_SORT_KEYS)


def loads(text: bytes | str) -> Any:
    return orjson.loads(text)


def _to_string(value: Any) -> str:
    """Convert the UUIDs of the database driver, which have their own class."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError
