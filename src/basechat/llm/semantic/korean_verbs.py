"""The stem of what a Korean sentence ends in, and whether that is an order, a question or neither."""

import re
import unicodedata
from typing import Literal

from basechat.llm.semantic import korean_words as words
from basechat.llm.semantic.korean_nouns import may_lack, split

Mood = Literal["order", "try", "polite", "question", "maybe", "statement", ""]
"""What a sentence is; "polite" where it asks in the form of an order (가세요?), "" where it only names what somebody
wants to know."""
_ASKED: dict[Mood, Mood] = {"statement": "question", "order": "polite"}

_GIVE, _GIVE_ASKING, _TRY, _PLEASE, _TELL, _WONDER = (
    re.compile(each) for each in (words.GIVE, words.GIVE_ASKING, words.TRY, words.PLEASE, words.TELL, words.WONDER)
)
_TO_SOMEBODY = re.compile(r"(?:에게|한테|(?<!함)께)\s")
_END = re.compile(r"[\s.!?~:]+$")
_FOREIGN = re.compile(r"[A-Za-z0-9]+[을를이가은는]")
_HANGUL = re.compile(r"[가-힣]+")
_LETTERS = str.maketrans({"ㄴ": "ᆫ", "ㄹ": "ᆯ", "ㅂ": "ᆸ"})
_VOWELS = {"ᅧ": "ᅵ", "ᅪ": "ᅩ", "ᅯ": "ᅮ", "ᅫ": "ᅬ"}


def _in_letters(endings: list[str]) -> list[str]:
    return [unicodedata.normalize("NFD", ending.translate(_LETTERS)) for ending in endings]


_MOODS: tuple[tuple[Mood, list[str]], ...] = (
    ("maybe", _in_letters(words.MAYBE)),
    ("question", _in_letters(words.QUESTIONS)),
    ("order", _in_letters(words.ORDERS)),
    ("statement", _in_letters(words.PLAIN)),
)


def stemmed(sentence: str) -> tuple[str, Mood]:
    """Return a sentence with the stem of its last word, and what it is."""
    marked = sentence.rstrip(" ~").endswith("?")
    asks = marked or not words.ASKING.isdisjoint(_HANGUL.findall(sentence))
    text = _END.sub("", sentence)
    return _wish(text, marked=marked) or _end(text, asks=asks)


def _wish(text: str, *, marked: bool) -> tuple[str, Mood] | None:
    """Read a sentence that ends in what is asked for: to be told, to be given, to have something done or tried.

    With a question mark (marked), 줘 asks whether it is given.
    """
    if (bare := _WONDER.sub("", text)) != text:
        return _named(bare), ""
    if (bare := _PLEASE.sub("", text)) != text:
        return bare, "order"
    if not marked and (bare := _TRY.sub("", text)) != text:
        return _with_stem(bare), "try"
    if (bare := (_GIVE_ASKING if marked else _GIVE).sub("", text)) == text:
        return None
    told = _TELL.sub("", bare)
    if told == bare or " " not in told or _TO_SOMEBODY.search(bare):
        return _with_stem(bare), "order"
    return (told if told[-1] in "이가" else _named(told)), ""


def _with_stem(text: str) -> str:
    head, _, last = text.rpartition(" ")
    return f"{head} {_bare_stem(last)}" if _HANGUL.fullmatch(last) else text


def _end(text: str, *, asks: bool) -> tuple[str, Mood]:
    head, _, last = text.rpartition(" ")
    if not _HANGUL.fullmatch(last):
        return text, "question" if asks else "statement"
    stem, mood = _noun(last) or _verb(last)
    if stem in words.THING and " " in head and (named := _named(head)) != head:
        return named, ""
    if stem in words.WONDERED:
        mood = ""
    if stem in {"하", "되"} and head.endswith("야"):  # 해야 하다, 해야 되다
        stem = "하"
    if asks:
        mood = _ASKED.get(mood, mood)
    return f"{head} {stem}", mood


def _named(text: str) -> str:
    """방법을 (알려 주세요), 방법이 (뭐예요) → 방법: without the particle, which hangs on how it is asked for."""
    last = text.rpartition(" ")[2]
    lacking = may_lack(*split(last)) if _HANGUL.fullmatch(last) else _FOREIGN.fullmatch(last)
    return text[:-1] if lacking else text


def _noun(word: str) -> tuple[str, Mood] | None:
    for copula in words.COPULAS:
        noun = word.removesuffix(copula)
        if noun and noun != word:
            if copula[0] in "인입일이" and noun in words.ENDS_IN_I:
                return None
            return noun, "question" if copula in words.ASKING_COPULAS else "statement"
    return (word[:-1], "") if word[:-1] in words.WONDERED and word[-1] in "지죠니냐" else None


def _verb(word: str) -> tuple[str, Mood]:
    if word in words.WHOLE:
        return word, "statement"
    letters = unicodedata.normalize("NFD", word)
    for mood, endings in _MOODS:
        for ending in endings:
            if letters.endswith(ending) and letters != ending:
                stem = unicodedata.normalize("NFC", letters.removesuffix(ending))
                stem = stem if stem in words.WONDERED else _bare_stem(stem)
                return stem, "question" if mood == "maybe" and stem in words.SURE else mood
    return _bare_stem(word), "statement"


def _bare_stem(word: str) -> str:
    """걸려 → 걸리, 있어 → 있: the stem without the vowel that joins it to an ending."""
    if len(word) > 1 and word[-1] in "아어":
        return word[:-1]
    if word and word[-1] in words.CONTRACTED:
        return word[:-1] + words.CONTRACTED[word[-1]]
    letters = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", letters[:-1] + _VOWELS.get(letters[-1:], letters[-1:]))
