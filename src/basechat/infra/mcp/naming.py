"""Names under which a model calls the tools of outside servers."""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Sequence
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
    names: dict[str, str] = {}
    for tool, name in plain.items():
        is_own = uses[name] == 1 or name == f"{server}{SEPARATOR}{tool}"
        fits = len(name) <= LENGTH and name not in taken
        names[tool] = name if is_own and fits else _marked(name, f"{server}\0{tool}", taken)
    return names


def _marked(name: str, source: str, taken: Container[str]) -> str:
    """Return a name with a suffix of its source, another one as long as that is taken."""
    digests = (hashlib.sha256(f"{source}\0{number}".encode()).hexdigest() for number in count())
    marked = (f"{name[: LENGTH - _SUFFIX]}_{digest[: _SUFFIX - 1]}" for digest in digests)
    return next(each for each in marked if each not in taken)
