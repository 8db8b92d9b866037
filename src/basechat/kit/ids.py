"""Identifiers: UUIDv7 (RFC 9562), so that rows sort by the time they were made."""

from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["new_id", "parse_id"]


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return uuid7()


def parse_id(text: str) -> UUID | None:
    """Return the UUID that `text` writes in canonical form, or None."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
