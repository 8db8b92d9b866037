"""Reads pairs of questions that are labelled as of the same or of different meanings."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent / "data"
LANGUAGES = ("en", "ko", "cross")

Set = Literal["tuning", "judging"]
SETS: tuple[Set, ...] = ("tuning", "judging")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two questions, whether they ask the same, and in what they differ: wording, or a number, a name and so on."""

    language: str
    kind: str
    same: bool
    one: str
    other: str


def read(name: Set) -> Sequence[Pair]:
    """Return the pairs of a set: each question with each of its variants."""
    return [pair for language in LANGUAGES for pair in _pairs(name, language)]


def read_crossed(name: Set) -> Sequence[Pair]:
    """Return further pairs that differ: each variant of the same meaning with each one of another meaning."""
    pairs = read(name)
    return [
        Pair(language=same.language, kind=different.kind, same=False, one=same.other, other=different.other)
        for same in pairs
        if same.same
        for different in pairs
        if not different.same and (different.one, different.language) == (same.one, same.language)
    ]


def read_attacks() -> Sequence[Pair]:
    """Return pairs that were thought up against the rules, and some that the rules are for."""
    attacks = tomllib.loads((FOLDER / "attacks.toml").read_text())
    return [
        Pair(language="", kind="attack", same=label == "same", one=one, other=other)
        for label in ("differ", "same")
        for one, other in attacks[label]
    ]


def read_blind() -> Sequence[Pair]:
    """Return pairs of a third author who had seen neither rules nor other pairs; judged once, after the last rule."""
    blind = tomllib.loads((FOLDER / "blind.toml").read_text())
    return [
        Pair(
            language=pair["language"], kind=pair.get("kind", "wording"), same=same, one=pair["one"], other=pair["other"]
        )
        for label, same in (("differ", False), ("same", True))
        for pair in blind[label]
    ]


def _pairs(name: Set, language: str) -> Iterator[Pair]:
    questions = tomllib.loads((FOLDER / f"{name}_{language}.toml").read_text())["question"]
    for question in questions:
        for label in ("same", "different"):
            for kind, said in question[label].items():
                for other in [said] if isinstance(said, str) else said:
                    yield Pair(language=language, kind=kind, same=label == "same", one=question["text"], other=other)
