"""Whether two questions ask the same: to the last number, name, negation, time and direction."""

import re
from collections import Counter
from dataclasses import dataclass

from basechat.llm.semantic import english, english_words, korean, korean_words
from basechat.llm.semantic.english import English
from basechat.llm.semantic.korean import Korean
from basechat.llm.semantic.marks import cleaned

LONGEST = 300
"""Characters of a question that is read; what is longer says too much to be sure."""

_ABOUT_TEXT = re.compile(rf"{english_words.ABOUT_TEXT}|{korean_words.ABOUT_TEXT}|:\s", re.IGNORECASE)
_HANGUL = re.compile(r"[가-힣]")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a question says, in the terms of its language, and its text."""

    said: English | Korean
    text: str

    @property
    def gist(self) -> str:
        """The key to look a question up by: equal wherever `same` holds, which still has to be asked."""
        return self.said.gist()


def read(text: str) -> Meaning | None:
    """Return what a question says, or None for what is no single question, or one whose every word counts."""
    text = text.strip()
    if not text or len(text) > LONGEST or len(text.splitlines()) > 1:
        return None
    text = cleaned(text)
    if _ABOUT_TEXT.search(text):
        return None
    said = korean.read(text) if _HANGUL.search(text) else english.read(text)
    return Meaning(said, text) if (said.words if isinstance(said, Korean) else said.parts) else None


def same(one: Meaning, other: Meaning) -> bool:
    """Whether both ask the same."""
    if isinstance(one.said, English):
        return isinstance(other.said, English) and one.said.same(other.said)
    return isinstance(other.said, Korean) and one.said.same(other.said)


def similarity(one: Meaning, other: Meaning) -> float:
    """Return how much of their wording two questions share, from 0 to 1: a label for people, no ground to match on."""
    ours, theirs = _bigrams(one.text), _bigrams(other.text)
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else float(one.text == other.text)


def _bigrams(text: str) -> Counter[str]:
    letters = text.casefold()
    return Counter(letters[at : at + 2] for at in range(len(letters) - 1))
