"""What an English question says: its parts with their roles, whatever its politeness."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from basechat.llm.semantic import english_words as words
from basechat.llm.semantic.marks import Piece, pieces


def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_OPENING = _pattern(rf"^(?:{'|'.join(words.GREETINGS)})\s*[,.!]+\s+")
_REQUEST = _pattern(rf"^(?:{'|'.join(words.REQUESTS)})(?:[,:]?\s+|(?<=\s))")
_CLOSING = _pattern(rf"\s*[,.!?-]+\s*(?:{words.THANKS})[.!?]*$")
_END = re.compile(r"(?:[.?\s]|(?<=[^\W\d])!)+$")
_REWRITTEN = tuple((_pattern(pattern), form) for pattern, form in words.CONTRACTIONS + words.PHRASES)

Part = tuple[str, tuple[str, ...]]
"""The role of a part of the sentence, and its words in order."""

Flag = tuple[str, int, str]
"""The role of the part that an auxiliary verb stands in, the how-manieth of that role it is, and what the verb says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class English:
    """What a question says: its parts, the auxiliary verbs apart, and how many parts were put before the sentence."""

    flags: tuple[Flag, ...]
    parts: tuple[Part, ...]
    fronted: int

    def same(self, other: "English") -> bool:
        """Whether both have the same parts in the same order, but for those that one puts before the sentence."""
        if self.flags != other.flags:
            return False
        return self.parts == other.parts or self._moved(other) or other._moved(self)

    def gist(self) -> str:
        """Return what all questions of the same meaning have in common."""
        return f"en {self.flags} {sorted(self.parts)}"

    def _moved(self, other: "English") -> bool:
        count = self.fronted
        front, rest = self.parts[:count], self.parts[count:]
        return count > 0 and any(
            other.parts[at : at + count] == front and other.parts[:at] + other.parts[at + count :] == rest
            for at in range(len(rest) + 1)
        )


def read(text: str) -> English:
    """Return what an English question says."""
    flags: list[Flag] = []
    parts: list[Part] = []
    fronted = 0
    for part in _parts(list(pieces(_bare(text))), flags):
        if part is None:
            fronted = fronted or (len(parts) if parts and parts[0][0] else 0)
        else:
            parts.append(_settled(part))
    flags.sort(key=lambda flag: flag[:2])  # those of one part stay in their order
    return English(flags=tuple(flags), parts=tuple(parts), fronted=fronted if fronted < len(parts) else 0)


def _bare(text: str) -> str:
    """Take off greetings, thanks and the words of a request, and bring what is left to one form."""
    before = None
    while before != text:
        before = text
        for pattern in (_REQUEST, _OPENING, _CLOSING):
            text = pattern.sub("", text, count=1)
    text = _END.sub("", text)
    for pattern, form in _REWRITTEN:
        text = pattern.sub(form, text)
    return text


def _parts(said: Sequence[Piece], flags: list[Flag]) -> Iterator[Part | None]:
    """Yield the parts, and None for each pause."""
    role = ""
    part: list[str] = []
    begun: Counter[str] = Counter()
    for piece, following in zip_longest(said, said[1:]):
        word = _word(piece)
        if word in words.DROPPED and _opens(following):
            continue
        if word in words.FLAGS and not _is_month(word, part):
            flags.extend((role, begun[role], flag) for flag in words.FLAGS[word])
        elif word in words.ROLES and role and not part and role not in words.ASKING:
            role = f"{role} {words.ROLES[word]}"  # than in, from within
        elif word in words.ROLES or piece.kind == "pause":
            if part or role:
                yield role, tuple(part)
            begun[role] += 1
            if piece.kind == "pause":
                yield None
            role, part = words.ROLES.get(word, ""), []
        else:
            part.append(word)
    if part or role:
        yield role, tuple(part)


def _opens(following: Piece | None) -> bool:
    """Whether a word may belong to the one after it: the `a` of `a file`, not that of `vitamin a`."""
    return following is not None and following.kind != "pause" and following.text not in words.ROLES


def _word(piece: Piece) -> str:
    if piece.kind != "latin":
        return piece.text
    word = words.NUMBERS.get(piece.text, piece.text)
    return words.SAME.get(word, word)


def _is_month(word: str, before: Sequence[str]) -> bool:
    return word == "may" and bool(before) and (before[-1].isdecimal() or before[-1] in {"early", "late", "mid"})


def _settled(part: Part) -> Part:
    """Give the words of a part one order, where another one says the same."""
    role, said = part
    listed = list(said)
    for index in range(len(listed) - 1):
        first, second = listed[index : index + 2]
        if (first in words.MONTHS and second.isdecimal()) or (first == "not" and second in {"i", "we"}):
            listed[index : index + 2] = second, first
    conjunction = "and" if role == "between" else "or"
    if listed.count(conjunction) == 1:
        middle = listed.index(conjunction)
        one, other = sorted((listed[:middle], listed[middle + 1 :]))
        listed = [*one, conjunction, *other]
    return role, tuple(listed)
