"""How near tools are to a message by their words: names, titles and descriptions, the rarer a word the more."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from basechat.assistant.intent.decision import Described
from basechat.assistant.intent.glossary import in_english

_LATIN = re.compile(r"[a-z0-9]{2,}")
_HANGUL = re.compile(r"[\uac00-\ud7a3]{2,}")
_COMMON_WORDS = """
    an and any are as at be by can could do does for from get give go has have he her his how if in into is it its
    let like ll make me mr my no not now of on one or our out please pleas re she should shoul so some tell than that
    the their them then there these they this to up us use user ve want was we were what when where which who why
    will with would you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_STEM = 5  # letters; "invoices" finds "invoice", "scheduled" finds "schedule"
_NAMED, _DESCRIBED = 1.0, 0.5
_HALF = 4.0  # the sum of weights at which a score is a half


def scores(text: str, tools: Sequence[Described]) -> Mapping[str, float]:
    """Return a score from 0 to 1 per tool name."""
    said = terms(f"{text} {in_english(text)}")
    named = {tool.name: terms(f"{tool.name.replace('_', ' ')} {tool.title}") for tool in tools}
    described = {tool.name: terms(tool.description) for tool in tools}
    count = Counter(term for tool in tools for term in (named[tool.name] | described[tool.name]) & said)
    rare = {term: math.log(1 + len(tools) / seen) for term, seen in count.items()}
    return {
        tool.name: _score(_NAMED * _sum(rare, named[tool.name]) + _DESCRIBED * _sum(rare, described[tool.name]))
        for tool in tools
    }


def terms(text: str) -> set[str]:
    """Return the stems of Latin words, and pairs of syllables of Korean ones, which change their endings."""
    text = text.lower()
    stems = {word[:_STEM] for word in _LATIN.findall(text)}
    pairs = {word[at : at + 2] for word in _HANGUL.findall(text) for at in range(len(word) - 1)}
    return (stems - _COMMON) | pairs


def _sum(rare: Mapping[str, float], found: set[str]) -> float:
    return sum(weight for term, weight in rare.items() if term in found)


def _score(weight: float) -> float:
    return weight / (weight + _HALF)
