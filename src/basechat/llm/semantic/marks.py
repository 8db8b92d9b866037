"""The pieces of a text that have to be the same to the letter: numbers, units, signs, quotations, names."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_TYPOGRAPHY = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-"})

_UNITS = (
    ("percent", "%", "퍼센트"),
    ("millilitre", "ml", "millilitres", "milliliters", "밀리리터"),
    ("gram", "g", "grams", "그램"),
    ("kilogram", "kg", "kilograms", "킬로그램"),
    ("centimetre", "cm", "centimetres", "centimeters", "센티미터"),
    ("metre", "m", "metres", "meters", "미터"),
    ("kilometre", "km", "kilometres", "kilometers", "킬로미터"),
)
UNITS = {name: unit for unit, *names in _UNITS for name in (unit, *names)}
"""Names of a unit → the one that stands for all."""

Kind = Literal["quoted", "number", "latin", "hangul", "pause", "sign"]

# A mark of punctuation is a pause where it ends a word; anywhere else it is what the question is about.
_PIECE = re.compile(
    r"""
      (?P<quoted>"[^"]*"|`[^`]*`|(?<!\w)'[^']+'(?!\w))
    | (?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)
    | (?P<latin>[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ0-9_+#]*(?:[-./'][A-Za-zÀ-ÿ0-9_+#]+)*)
    | (?P<hangul>[가-힣]+)
    | (?P<pause>(?:(?<=[\w"'`)%+#])[,.;:?][,.;:?!]*|(?<=[^\W\d])!+[?!]*)(?=\s|$))
    | (?P<sign>\S)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, number, sign or pause, and whether it touches the one before."""

    text: str
    kind: Kind
    touches: bool


def cleaned(text: str) -> str:
    """Return the text with one form for each character and quotation mark, and single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY).split())


def pieces(text: str) -> Iterator[Piece]:
    """Yield what a cleaned text is made of."""
    end = 0
    for match in _PIECE.finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        yield Piece(_written(match[0], kind), kind, touches=match.start() == end > 0)
        end = match.end()


def _written(text: str, kind: Kind) -> str:
    if kind == "number":
        return text.replace(",", "")
    return UNITS.get(text, _latin(text)) if kind in {"latin", "sign"} else text


def _latin(word: str) -> str:
    """Return a word in small letters, unless its capitals may tell it from another: MB and Mb, -R and -r, fooBar."""
    if word == "I" or (word.istitle() and len(word) > 1):
        return word.lower()
    return word if len(word) < 3 or re.search(r"[a-zà-ÿ][A-Z]", word) else word.lower()
