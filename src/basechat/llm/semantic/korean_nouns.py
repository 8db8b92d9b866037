"""A Korean noun and the particle that says its role."""

from basechat.llm.semantic import korean_words as words
from basechat.llm.semantic.marks import UNITS

Word = tuple[str, str]
"""A word without its particle, and the role that the particle says."""


def split(text: str) -> Word:
    """Part a noun from its particle, where the two fit together."""
    stem, role = text, ""
    if text not in words.WHOLE:
        for particle in words.PARTICLES:
            if text.endswith(particle) and _fits(text.removesuffix(particle), particle):
                stem, role = text.removesuffix(particle), words.SAME_ROLE.get(particle, particle)
                break
    if stem == "저" and role:
        stem = "나"  # without a particle it is 저 회의실, that room
    return words.SAME.get(stem, UNITS.get(stem, stem)), role


def may_lack(word: str, role: str) -> bool:
    """Whether people leave out the particle of that role. What is one syllable without it may be another word."""
    return len(word) > 1 and role in words.LEFT_OUT


def _fits(stem: str, particle: str) -> bool:
    if not stem:
        return False
    closed = ends_in_consonant(stem)
    return closed if particle in words.AFTER_CONSONANT else not (closed and particle in words.AFTER_VOWEL)


def ends_in_consonant(word: str) -> bool:
    """Whether the last syllable, in Hangul, ends in a consonant."""
    return last_consonant(word) != 0


def last_consonant(word: str) -> int:
    """Return the number of the consonant that ends the last syllable, as Unicode counts them; 0 for none."""
    return (ord(word[-1]) - ord("가")) % 28 if "가" <= word[-1] <= "힣" else 0
