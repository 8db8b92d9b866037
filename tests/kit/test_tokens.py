"""Estimates of tokens are near the counts of present vocabularies, for all kinds of text."""

from pathlib import Path
from typing import Any

import pytest

from basechat.kit import json
from basechat.kit.tokens import estimate, estimate_message, estimate_tools, shorten

# Texts with the tokens that the tokenizers of these models counted.
COUNTED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "counted.json").read_text())
ENGLISH_ALONE = "SmolLM2"
VOCABULARIES = [name for name in COUNTED[0]["tokens"] if name != ENGLISH_ALONE]
ENGLISH = {"English prose", "English chat", "Python", "TypeScript"}


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_estimates_are_near_real_counts(vocabulary: str) -> None:
    ratios = {each["kind"]: estimate(each["text"]) / each["tokens"][vocabulary] for each in COUNTED}
    errors = [abs(ratio - 1) for ratio in ratios.values()]
    assert sum(errors) / len(errors) <= 0.23, ratios
    assert all(0.55 <= ratio <= 1.7 for ratio in ratios.values()), ratios
    assert all(0.85 <= ratios[kind] <= 1.15 for kind in ENGLISH), ratios


def test_korean_has_more_tokens_for_a_model_that_knows_only_english() -> None:
    ratios = {each["kind"]: estimate(each["text"]) / each["tokens"][ENGLISH_ALONE] for each in COUNTED}
    assert all(0.85 <= ratios[kind] <= 1.15 for kind in ENGLISH), ratios
    assert all(ratio >= 1 / 3 for ratio in ratios.values()), ratios  # which a correction of up to 3 makes good


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("\n", 1), ("안", 1), ("\ud800", 1), ("😀", 3)])
def test_small_texts(text: str, tokens: int) -> None:
    assert estimate(text) == tokens


def test_tool_calls_and_tool_definitions_count() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "calculate", "arguments": '{"expression": "1+1"}'}}
    plain = {"role": "assistant", "content": None}
    assert estimate_message(plain | {"tool_calls": [call]}) > estimate_message(plain) + 20
    assert estimate_tools([]) == 0
    assert estimate_tools([{"type": "function", "function": {"name": "calculate"}}]) > 10


def test_a_shortened_text_names_the_omitted_length() -> None:
    text = " ".join(f"word{n}" for n in range(1000))
    short = shorten(text, 100)
    assert 80 <= estimate(short) <= 100
    assert short.startswith("word0 word1")
    assert short.endswith("word999")
    kept = len(short) - len(short[short.index("\n") : short.rindex("\n") + 1])
    assert f"[… {len(text) - kept:,} characters left out …]" in short
    assert shorten(text, estimate(text)) == text
    assert shorten(text, 0) == f"\n[… {len(text):,} characters left out …]\n"
