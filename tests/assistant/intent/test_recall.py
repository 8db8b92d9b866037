"""Who looks back is understood, in Korean and English, at once, whatever they send."""

import time
import tomllib

import pytest

from basechat.assistant.intent.recall import needs_recall
from tests.assistant.intent.labelled import FOLDER

SAID = tomllib.loads((FOLDER / "looking_back.toml").read_text())
NEARLY_ALL = 0.97


def test_turns_of_phrase_are_understood() -> None:
    missed = [text for text in SAID["looking_back"] if not needs_recall(text)]
    mistaken = [text for text in SAID["other"] if needs_recall(text)]
    assert len(missed) <= (1 - NEARLY_ALL) * len(SAID["looking_back"]), missed
    assert len(mistaken) <= (1 - NEARLY_ALL) * len(SAID["other"]), mistaken


@pytest.mark.parametrize(
    "text",
    [
        "영어로 번역해줘: 지난번에 네가 알려준 방법이 좋았어",
        "translate into Korean: what did we decide last time?",
        "「저번에 말한 대로」는 무슨 뜻이야",
        "what does 'as I told you' mean",
        "is “you told me” grammatical",
    ],
)
def test_what_is_only_quoted_does_not_count(text: str) -> None:
    assert not needs_recall(text)


@pytest.mark.parametrize(
    "text",
    ["you we i " * 110, "내가 " * 330, "지난번 " * 250, "how " * 250, "'" * 1000, "(번역 " * 250, "remember when " * 70,
     "the that you " * 80, "a" * 1000, " " * 1000],
    ids=lambda text: text[:14],
)  # fmt: skip
def test_no_message_takes_long(text: str) -> None:
    """The longest that is looked at; thirty times the usual would still be a hundredth of a second."""
    began = time.perf_counter()
    needs_recall(text)
    assert time.perf_counter() - began < 0.1
