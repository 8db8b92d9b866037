"""What a Korean question says: its words with their roles, whatever its politeness."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from basechat.llm.semantic import korean_words as words
from basechat.llm.semantic.korean_nouns import Word, last_consonant, may_lack, split
from basechat.llm.semantic.korean_verbs import Mood, stemmed
from basechat.llm.semantic.marks import Piece, pieces

_SENTENCES = re.compile(r'(?<=[^\d\s][.?!:~])\s+(?=(?:[^"]*"[^"]*")*[^"]*$)')
_OPENING = re.compile(rf"^(?:{'|'.join(words.GREETINGS)})\s*[,.!?~]+\s*")
_CLOSING = re.compile(rf"([.,!?~]+)\s*{words.THANKS}[.!~]*$")
_ARGUMENTS = {"을", "이", "은"}
_N, _L = 4, 8  # the numbers of the consonants ㄴ and ㄹ, in which verbs before a noun end

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

    def gist(self) -> str:
        """Return what all questions of the same meaning have in common; order and particles are not."""
        return f"ko {self.moods} {sorted(word for word, _ in self.words)}"

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
        if any(_dates(*pair) for side in (self, other) for pair in pairwise(_phrases(side.words))):
            return False
        return all(map(_movable, ours)) and any(ours[at:] + ours[:at] == theirs for at in range(len(ours)))


def read(text: str) -> Korean:
    """Return what a Korean question says."""
    before = None
    while before != text:
        before = text
        text = _CLOSING.sub(r"\1", _OPENING.sub("", text, count=1))
    sentences = [stemmed(sentence) for sentence in _SENTENCES.split(text)]
    said = _words([piece for sentence, _ in sentences for piece in pieces(sentence)])
    return Korean(moods=tuple(mood for _, mood in sentences), words=tuple(_settled(said)))


def _spoken_alike(ours: Sequence[Word], theirs: Sequence[Word]) -> bool:
    """Whether the words are the same, but for particles left out where the order tells as much."""
    return len(ours) == len(theirs) and any(
        all(one == other or _lacks(fewer, more, at) for at, (one, other) in enumerate(zip(fewer, more, strict=True)))
        for fewer, more in ((ours, theirs), (theirs, ours))  # not both: 민수를 지수 찾아 is no 민수 지수를 찾아
    )


def _lacks(ours: Sequence[Word], theirs: Sequence[Word], at: int) -> bool:
    (word, ours_role), (other, role) = ours[at], theirs[at]
    if word != other or ours_role or not may_lack(word, role):
        return False
    if (role == "이" and not _is_subject(ours[at + 1 :])) or (role != "을" and _modifies(theirs[at + 1 : at + 2])):
        return False
    if role == "은" and word[-1] in words.STEM_ENDS and at + 1 < len(theirs) and not theirs[at + 1][1]:
        return False  # 배우는 학생, a pupil who learns, is no 배우 학생
    later = [role for _, role in theirs[at + 1 :]]
    if role == "을" and (not {"이", "은"}.isdisjoint(later) or _may_do(theirs[at + 1 : -1])):
        return False  # what is done to, before who does: without its particle it would be who does
    return later[:1] != ["은"]  # may be a verb, to which the word is what does or what is done to


def _is_subject(following: Sequence[Word]) -> bool:
    """Whether a noun without a particle can be nothing but what the last word is said of: 서버 느려, not 고객 불러."""
    if not following:
        return False
    last = following[-1][0]
    return (last in words.INTRANSITIVE or last in words.WONDERED) and not any(
        _modifies([word]) for word in following[:-1] if not word[1]
    )


def _may_do(said: Sequence[Word]) -> bool:
    """Whether one of the words may be who does something, its particle left out."""
    return any(not role and len(word) > 1 and not _adverb(word) for word, role in said)


def _adverb(word: str) -> bool:
    return word in words.ASKING or word[-1] in words.ADVERB_ENDS


def _modifies(following: Sequence[Word]) -> bool:
    """Whether the next word may be a verb before a noun, to which the one before it does something, or is done to."""
    return any(
        role in {"을", "은"} or (last_consonant(word) in {_N, _L} and word not in words.ASKING)
        for word, role in following
    )


def _phrases(said: Phrase) -> list[Phrase]:
    phrases: list[Phrase] = []
    begin = 0
    for end, (word, role) in enumerate(said, start=1):
        if (role and role != "의") or word in words.TIMES:
            phrases.append(said[begin:end])
            begin = end
    return [*phrases, said[begin:]]


def _dates(phrase: Phrase, following: Phrase) -> bool:
    """Whether a time may belong to the noun after it: 내일 회의를 취소해 is no 회의를 내일 취소해."""
    return (
        phrase[-1][0] in words.TIMES and not phrase[-1][1] and following[-1:] != () and following[-1][1] in _ARGUMENTS
    )


def _movable(phrase: Phrase) -> bool:
    """Whether a phrase holds no verb, as far as can be told: something else before it might belong to that verb."""
    *before, (last, role) = phrase
    if role not in words.MOVABLE and last not in words.TIMES:
        return False
    if role in {"은", "을"} and (len(last) < 2 or last[-1] in words.STEM_ENDS) and not before:
        return False
    return not any(
        word[-1] in words.VERB_ENDS or (last_consonant(word) in {_N, _L} and not number.isdecimal())
        for (number, _), (word, _) in pairwise([("", ""), *before])
        if "가" <= word[-1] <= "힣"
    )


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
            listed.append(split(piece.text) if piece.kind == "hangul" else (piece.text, ""))
            open_ended = piece.kind != "hangul"
    return listed


def _settled(said: list[Word]) -> list[Word]:
    """Write counts as numbers, and put two nouns that 과 joins in one order, where that says the same."""
    listed = list(said)
    symmetric = not words.SYMMETRIC.isdisjoint(word for word, _ in said)
    for index in range(len(listed) - 1):
        (first, role), (second, other) = listed[index : index + 2]
        if first in words.COUNTS and not role and second in words.COUNTERS:
            listed[index] = words.COUNTS[first], ""
        if second == "법" and (role == "은" or first.endswith("는")):
            listed[index + 1] = "방법", other  # 법 alone is law
        if role == "과" and symmetric:
            first, second = sorted((first, second))
            listed[index : index + 2] = (first, "과"), (second, other)
    return listed
