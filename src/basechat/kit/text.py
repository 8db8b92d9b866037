"""Request bodies, and the text in them that PostgreSQL can store."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class RequestModel(BaseModel):
    """The base of request bodies. Unknown fields are errors, so that a misspelled field is not ignored."""

    model_config = ConfigDict(extra="forbid")


def _check_storable(value: str) -> str:
    """PostgreSQL can't store the NUL character and halves of surrogate pairs."""
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return value


def storable(text: str) -> str:
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def composed(name: str) -> str:
    """Normalize a name to NFC for comparisons, so that one Korean name always has the same bytes."""
    return unicodedata.normalize("NFC", name)


Text = Annotated[str, AfterValidator(_check_storable)]
Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_check_storable)]


def like_patterns(query: str, *, limit: int = 12) -> list[str]:
    """One pattern for ILIKE per word of a query, for at most `limit` words. `%` and `_` have no special meaning."""
    words = list(dict.fromkeys(query.split()))[:limit]
    escaped = (word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words)
    return [f"%{word}%" for word in escaped]


def first_line(text: str, *, limit: int = 80) -> str:
    """The first line that is not blank, shortened to `limit` characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
