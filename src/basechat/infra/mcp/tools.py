"""Tools of a server, the names by which a model calls them, and the result of a call."""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Self

PREVIEW_LENGTH = 500  # characters
NAME_LENGTH = 64  # the limit of the providers
SEPARATOR = "__"  # of server and tool; the name of a server contains no underscore
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_-]")
_SUFFIX = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as its server describes it. The description may be wrong."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    read_only: bool
    idempotent: bool  # a second call has no further effect: declared so, or read-only
    repeatable: bool  # read-only, and declared idempotent: results may be cached

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """The result of a call: `text` is for the model. `ok` is False if the tool reports a failure."""

    ok: bool
    text: str
    cached: bool = False

    @property
    def preview(self) -> str:
        return self.text if len(self.text) <= PREVIEW_LENGTH else self.text[: PREVIEW_LENGTH - 1] + "…"


def function_names(server: str, tools: Sequence[str], taken: Container[str]) -> dict[str, str]:
    """A name per tool: `server__tool`, with the characters and the length that providers allow.

    Names that would collide get a suffix from a hash of the tool's own name. So the names do not depend on the order of
    the tools, and a new tool of the server changes no other name. A name that needs no change stays unchanged.
    """
    plain = {tool: _NOT_ALLOWED.sub("_", f"{server}{SEPARATOR}{tool}") for tool in tools}
    uses = Counter(plain.values())
    given = set(uses)
    names: dict[str, str] = {}
    for tool in sorted(plain):
        name = plain[tool]
        is_own = uses[name] == 1 or name == f"{server}{SEPARATOR}{tool}"
        if not is_own or len(name) > NAME_LENGTH or name in taken:
            candidates = _with_suffixes(name, f"{server}\0{tool}")
            name = next(each for each in candidates if each not in given and each not in taken)
            given.add(name)
        names[tool] = name
    return {tool: names[tool] for tool in plain}


def _with_suffixes(name: str, source: str) -> Iterator[str]:
    for number in count():
        digest = hashlib.sha256(f"{source}\0{number}".encode()).hexdigest()
        yield f"{name[: NAME_LENGTH - _SUFFIX]}_{digest[: _SUFFIX - 1]}"
