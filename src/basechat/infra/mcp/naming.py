"""Names under which a model calls the tools of outside servers."""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from itertools import count

LENGTH = 64  # what providers take
SEPARATOR = "__"  # of server and tool; a server's name holds no underscore
_SIGN = re.compile(r"[^A-Za-z0-9_-]")
_SUFFIX = 7


def function_names(server: str, tools: Sequence[str], taken: Container[str]) -> dict[str, str]:
    """Return a name per tool: `server__tool` in the characters and length that providers take.

    Names that would be the same get a suffix made of the tool's own name, so that the order of tools changes nothing,
    and the next tool that a server adds takes no name away; one that needs no change keeps its name.
    """
    plain = {tool: _SIGN.sub("_", f"{server}{SEPARATOR}{tool}") for tool in tools}
    uses = Counter(plain.values())
    given = set(uses)
    names: dict[str, str] = {}
    for tool in sorted(plain):
        name = plain[tool]
        is_own = uses[name] == 1 or name == f"{server}{SEPARATOR}{tool}"
        if not is_own or len(name) > LENGTH or name in taken:
            marked = _marked(name, f"{server}\0{tool}")
            name = next(each for each in marked if each not in given and each not in taken)
            given.add(name)
        names[tool] = name
    return {tool: names[tool] for tool in plain}


def _marked(name: str, source: str) -> Iterator[str]:
    """Return a name with suffixes of its source, one after the other."""
    for number in count():
        digest = hashlib.sha256(f"{source}\0{number}".encode()).hexdigest()
        yield f"{name[: LENGTH - _SUFFIX]}_{digest[: _SUFFIX - 1]}"
