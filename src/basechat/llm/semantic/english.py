"""What an English question says: its parts with their roles, whatever its politeness."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from basechat.llm.semantic import english_words as words
from basechat.llm.semantic.marks import Piece, pieces


def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_OPENING = _pattern(rf"^(?:{'|'.join(words.GREETINGS)})\s*[,.!]+\s+")
_REQUEST = _pattern(rf"^(?:{'|'.join(words.REQUESTS)})(?:[,:]?\s+|(?<=\s))")
_CLOSING = _pattern(rf"\s*(?:[,.!-]|(\?))+\s*(?:{words.THANKS})[.!?]*$")
_WHETHER = _pattern(r"\b(?:if|whether)\s+$")
_INVERTED = _pattern(rf"^(?:[^,]*,\s)?(?:{'|'.join(words.FLAGS)})\b")
_ASKING = _pattern(rf"\b(?:which|{'|'.join(words.ASKING)})\b")
_END = re.compile(r"(?:[.?\s]|(?<=[^\W\d])!)+$")
_REWRITTEN = tuple((_pattern(pattern), form) for pattern, form in words.CONTRACTIONS + words.PHRASES)

Part = tuple[str, tuple[str, ...]]
"""The role of a part of the sentence, and its words in order."""

Flag = tuple[str, int, int, str]
"""The role of the part that an auxiliary verb stands in, the how-manieth of that role it is, the words `and` and `or`
before the verb, and what it says."""


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
            if not any(_has_verb(role, before) for (before, _), (role, _) in pairwise(rest[:at]))
        )


def read(text: str) -> English:
    """Return what an English question says."""
    text, whether = _bare(text)
    reading = _Reading(flags=[("", 0, 0, "whether")] if whether else [])
    said = list(pieces(text))
    parts: list[Part] = []
    fronted = 0
    for piece, following in zip_longest(said, said[1:]):
        if (part := reading.take(piece, following)) is not None:
            parts.append(_settled(part))
        if piece.kind == "pause":
            fronted = fronted or (len(parts) if parts and parts[0][0] else 0)
    if (part := reading.end()) is not None:
        parts.append(_settled(part))
    flags = sorted(reading.flags, key=lambda flag: flag[:3])  # those of one part stay in their order
    return English(flags=tuple(flags), parts=tuple(parts), fronted=fronted if fronted < len(parts) else 0)


def _bare(text: str) -> tuple[str, bool]:
    """Take off greetings, thanks and the words of a request; say whether the rest is to be answered by yes or no."""
    before = None
    request = ""
    while before != text:
        before = text
        if asked := _REQUEST.match(text):
            request = request or asked[0]
            text = text[asked.end() :]
        text = _CLOSING.sub(r"\1", _OPENING.sub("", text, count=1), count=1)
    doubted = text.rstrip().endswith("?") and not request
    text = _END.sub("", text)
    for pattern, form in _REWRITTEN:
        text = pattern.sub(form, text)
    whether = _WHETHER.search(request) or _INVERTED.search(text) or (doubted and not _ASKING.search(text))
    return text, bool(whether)


@dataclass(slots=True)
class _Reading:
    """The part of the sentence that is being read, and the auxiliary verbs so far."""

    flags: list[Flag]
    role: str = ""
    part: list[str] = field(default_factory=list)
    begun: Counter[str] = field(default_factory=Counter)
    before: str = ""
    """The word before."""
    helped: int | None = None
    """The place of the first auxiliary verb of the part."""
    does: bool = False
    """Whether that is `do`."""

    def take(self, piece: Piece, following: Piece | None) -> Part | None:
        """Read a word, and return the part that it ends."""
        word = self._word(piece)
        ended = None
        if word in words.ARTICLES and _opens(following):
            pass
        elif self._helps(word, following):
            self._help(word)
        elif word in words.ROLES and self.role and not self.part and self.role not in words.ASKING:
            self.role = f"{self.role} {words.ROLES[word]}"  # than in, from within
        elif word in words.ROLES or piece.kind == "pause":
            ended = self.end()
            self.role = _role(word, following)
        else:
            self.part.append(word)
        self.before = word
        return ended

    def end(self) -> Part | None:
        """Return the part that ends here."""
        part = (self.role, tuple(self.part)) if self.part or self.role else None
        self.flags.extend((self.role, self.begun[self.role], -1, flag) for flag in self._order())
        self.begun[self.role] += 1
        self.part, self.helped, self.does = [], None, False
        return part

    def _order(self) -> Iterator[str]:
        """Yield what the place of the auxiliary verb says."""
        if self.helped is None or self.role not in {"how", "what"}:
            return
        after = len(self.part) - self.helped
        if self.helped == 0 or (self.role == "what" and after == 0):
            yield "next"  # how is fast food made, not how fast is food made
        elif self.does and after == 1:
            yield "do"  # which teams do support, not which teams support

    def _word(self, piece: Piece) -> str:
        if piece.kind != "latin":
            return piece.text
        word = words.NUMBERS.get(piece.text, piece.text)
        word = words.SAME.get(word, word)
        acts = self.before in words.ACTORS or (
            not self.part and self.helped is None and (not self.role or self.role.endswith("to"))
        )
        return words.SAME_DEED.get(word, word) if acts else word

    def _helps(self, word: str, following: Piece | None) -> bool:
        """Whether a word is an auxiliary verb here: neither a name or noun (does May, the can) nor a deed (to do)."""
        if word not in words.FLAGS or self.before in words.ARTICLES or _is_month(word, self.part):
            return False
        if word in {"do", "does"}:
            return self.helped is None and not self.role.endswith("to") and _opens(following)
        return not (self.before in words.DO and word not in {"have", "be"})

    def _help(self, word: str) -> None:
        says = ("own",) if word in {"have", "has"} and self.does else words.FLAGS[word]
        joined = self.part.count("and") + self.part.count("or")
        self.flags.extend((self.role, self.begun[self.role], joined, flag) for flag in says)
        if self.helped is None:
            self.helped, self.does = len(self.part), word in words.DO


def _role(word: str, following: Piece | None) -> str:
    if word == "which" and following is not None and following.text in words.FLAGS:
        return word  # which is your plan, what is your plan
    return words.ROLES.get(word, "")


def _opens(following: Piece | None) -> bool:
    """Whether a word may belong to the one after it: the `a` of `a file`, not that of `vitamin a`."""
    return following is not None and following.kind != "pause" and following.text not in words.ROLES


def _has_verb(role: str, before: str) -> bool:
    """Whether a part may have a verb of its own, which what follows it would belong to."""
    return role.split(" ")[0] in words.CLAUSES and not (role == "to" and before == "how")


def _is_month(word: str, before: Sequence[str]) -> bool:
    return word == "may" and bool(before) and (before[-1].isdecimal() or before[-1] in {"early", "late", "mid"})


def _settled(part: Part) -> Part:
    """Give the words of a part one order, where another one says the same."""
    role, said = part
    listed = list(said)
    for index in range(len(listed) - 1):
        first, second = listed[index : index + 2]
        if (first in words.MONTHS and second.isdecimal()) or (
            first == "not" and second in {"i", "we"} and role in words.ASKING  # can I not pay is no can't I pay
        ):
            listed[index : index + 2] = second, first
    conjunction = "and" if role == "between" else "or"
    if listed.count(conjunction) == 1 and (role == "between" or len(listed) == 3):  # not: cats eat fish or birds
        middle = listed.index(conjunction)
        one, other = sorted((listed[:middle], listed[middle + 1 :]))
        listed = [*one, conjunction, *other]
    return role, tuple(listed)
