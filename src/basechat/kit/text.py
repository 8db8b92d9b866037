"""Text that people write: what may be stored, and the types of request fields that hold it."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints


def _storable(value: str) -> str:
    """PostgreSQL stores every character but NUL; half of a surrogate pair is no character."""
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return value


def storable(text: str) -> str:
    """Return what others wrote as PostgreSQL takes it."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def composed(name: str) -> str:
    """Return a name as it is compared: composed (NFC), so that one Korean name is always the same bytes."""
    return unicodedata.normalize("NFC", name)


Text = Annotated[str, AfterValidator(_storable)]
Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_storable)]

Title = Annotated[Line, Field(max_length=200)]
Instructions = Annotated[Text, Field(max_length=20_000)]
ModelName = Annotated[Line, Field(min_length=1, max_length=200)]


def like_patterns(query: str, *, limit: int = 12) -> list[str]:
    """One pattern for ILIKE per word of a query, for at most `limit` words. `%` and `_` have no special meaning."""
    words = list(dict.fromkeys(query.split()))[:limit]
    escaped = (word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words)
    return [f"%{word}%" for word in escaped]


def first_line(text: str, *, limit: int = 80) -> str:
    """Return the first line that says something, cut at `limit` characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
