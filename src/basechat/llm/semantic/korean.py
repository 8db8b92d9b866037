"""What a Korean question says: its words with their roles, whatever its politeness."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from basechat.llm.semantic import korean_words as words
from basechat.llm.semantic.korean_verbs import Mood, stemmed
from basechat.llm.semantic.marks import UNITS, Piece, pieces

_SENTENCES = re.compile(r'(?<=[^\d\s][.?!:~])\s+(?=(?:[^"]*"[^"]*")*[^"]*$)')
_OPENING = re.compile(rf"^(?:{'|'.join(words.GREETINGS)})\s*[,.!?~]+\s*")
_CLOSING = re.compile(rf"[.,!?~]+\s*{words.THANKS}[.!~]*$")

Word = tuple[str, str]
"""A word without its particle, and the role that the particle says."""

Phrase = tuple[Word, ...]
"""Words up to one that has a role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Korean:
    """The words of a question in order, with their roles, and what its sentences are: orders, questions."""

    moods: tuple[Mood, ...]
    words: tuple[Word, ...]

    def same(self, other: "Korean") -> bool:
        """Whether both say the same words, but for particles left out, or for one phrase in another place."""
        return self.moods == other.moods and (_spoken_alike(self.words, other.words) or self._moved(other))

    def _moved(self, other: "Korean") -> bool:
        """Whether two neighbouring groups of phrases have changed places."""
        ours, theirs = _phrases(self.words), _phrases(other.words)
        if sorted(ours) != sorted(theirs) or _by_role(ours) != _by_role(theirs):
            return False
        begin, end = 0, len(ours)
        while begin < end and ours[begin] == theirs[begin]:
            begin += 1
        while begin < end and ours[end - 1] == theirs[end - 1]:
            end -= 1
        ours, theirs = ours[begin:end], theirs[begin:end]
        return any(ours[at:] + ours[:at] == theirs for at in range(len(ours)))


def read(text: str) -> Korean:
    """Return what a Korean question says."""
    before = None
    while before != text:
        before = text
        text = _CLOSING.sub("", _OPENING.sub("", text, count=1))
    sentences = [stemmed(sentence) for sentence in _SENTENCES.split(text)]
    said = _words([piece for sentence, _ in sentences for piece in pieces(sentence)])
    return Korean(moods=tuple(mood for _, mood in sentences), words=tuple(_settled(said)))


def _spoken_alike(ours: Sequence[Word], theirs: Sequence[Word]) -> bool:
    return len(ours) == len(theirs) and all(
        one == other or (one[0] == other[0] and "" in (one[1], other[1]) and one[1] + other[1] in words.LEFT_OUT)
        for one, other in zip(ours, theirs, strict=True)
    )


def _phrases(said: Phrase) -> list[Phrase]:
    phrases: list[Phrase] = []
    begin = 0
    for end, (word, role) in enumerate(said, start=1):
        if role or word in words.TIMES:
            phrases.append(said[begin:end])
            begin = end
    return [*phrases, said[begin:]]


def _by_role(phrases: list[Phrase]) -> dict[str, list[Phrase]]:
    """Two phrases of one role may not change places: who does it and what with stands in their order."""
    roles: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        roles.setdefault(phrase[-1][1] if phrase else "", []).append(phrase)
    return roles


def _words(said: Sequence[Piece]) -> list[Word]:
    listed: list[Word] = []
    open_ended = False  # whether the last word may have its particle in the next piece
    for piece in said:
        if piece.kind == "pause":
            open_ended = False
        elif open_ended and piece.touches and piece.text in words.PARTICLES:
            listed[-1] = listed[-1][0], words.SAME_ROLE.get(piece.text, piece.text)
            open_ended = False
        elif piece.text not in words.ADVERBS:
            listed.append(_split(piece.text) if piece.kind == "hangul" else (piece.text, ""))
            open_ended = piece.kind != "hangul"
    return listed


def _split(text: str) -> Word:
    """Part a noun from its particle, where the two fit together."""
    stem, role = text, ""
    if text not in words.WHOLE:
        for particle in words.PARTICLES:
            if text.endswith(particle) and _fits(text.removesuffix(particle), particle):
                stem, role = text.removesuffix(particle), words.SAME_ROLE.get(particle, particle)
                break
    return words.SAME.get(stem, UNITS.get(stem, stem)), role


def _fits(stem: str, particle: str) -> bool:
    if not stem:
        return False
    closed = (ord(stem[-1]) - ord("가")) % 28 != 0  # whether the last syllable ends in a consonant
    return closed if particle in words.AFTER_CONSONANT else not (closed and particle in words.AFTER_VOWEL)


def _settled(said: list[Word]) -> list[Word]:
    """Write counts as numbers, and put two nouns that 과 joins in one order."""
    listed = list(said)
    for index in range(len(listed) - 1):
        (first, role), (second, other) = listed[index : index + 2]
        if first in words.COUNTS and not role and second in words.COUNTERS:
            listed[index] = words.COUNTS[first], ""
        if role == "과":
            first, second = sorted((first, second))
            listed[index : index + 2] = (first, "과"), (second, other)
    return listed
