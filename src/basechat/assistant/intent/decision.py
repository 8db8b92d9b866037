"""The decision about a message, and what of a tool it is made from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from basechat.kit import json

_SERVER_MARK = "__"


class Described(Protocol):
    """A tool as the model would be offered it: `calculate`, or `github__create_issue` of an outside server."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The decision about one message. Tools stand in the order of their names: prompts that begin alike are cheap."""

    language: str
    recall: bool = False
    tools: list[str] = field(default_factory=list)


def fingerprint(tools: Sequence[Described]) -> str:
    """Return what is the same for the same tools, in any order, and for no others."""
    said = sorted([tool.name, tool.title, tool.description] for tool in tools)
    return hashlib.sha256(json.dumps(said)).hexdigest()


def server_of(tool: Described) -> str:
    """Return the outside server of a tool, or nothing for one of our own."""
    server, mark, _ = tool.name.partition(_SERVER_MARK)
    return server if mark else ""
