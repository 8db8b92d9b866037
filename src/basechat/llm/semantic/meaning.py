"""Whether two questions ask the same: to the last number, name, negation, time and direction."""

import re
from dataclasses import dataclass

from basechat.llm.semantic import english, korean
from basechat.llm.semantic.marks import cleaned

LONGEST = 300
"""Characters of a question that is read; what is longer says too much to be sure."""

_HANGUL = re.compile(r"[가-힣]")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a question says, in the terms of its language."""

    said: english.English | korean.Korean


def read(text: str) -> Meaning | None:
    """Return what a question says, or None for a text of several lines, or too long to be one."""
    if len(text) > LONGEST or "\n" in text.strip():
        return None
    text = cleaned(text)
    return Meaning(korean.read(text) if _HANGUL.search(text) else english.read(text))


def same(one: Meaning, other: Meaning) -> bool:
    """Whether both ask the same."""
    if isinstance(one.said, english.English):
        return isinstance(other.said, english.English) and one.said.same(other.said)
    return isinstance(other.said, korean.Korean) and one.said.same(other.said)
