"""The model's answer to the title prompt becomes one plain line, or an empty text."""

import pytest

from basechat.assistant.titles import TITLE_LENGTH, clean_title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Go basics", "Go basics"),
        ('"Hello World."', "Hello World"),
        ("'김치 담그는 법'。", "김치 담그는 법"),
        ("「인공지능」의 역사", "「인공지능」의 역사"),
        ('"A" and "B"', '"A" and "B"'),
        ("What is C#?", "What is C#?"),
        ("**Title:** “Weather in Seoul”", "Weather in Seoul"),
        ("제목: 서울 날씨.", "서울 날씨"),
        ("**제목: 굵게**", "굵게"),
        ("# Weather in *Seoul*", "Weather in Seoul"),
        ("- snake_case_name and `code`", "snake_case_name and code"),
        ("[Kimchi](https://example.org) at home", "Kimchi at home"),
        ("<think>It asks\n\nabout Go.</think>\n\nGo basics", "Go basics"),
        ("\n\n  Go\tbasics  \nand a second line", "Go basics"),
        ("Sure! Here is a title:\n\n**Go basics**", "Go basics"),
        ("Go\x00 basics\x1b", "Go basics"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
    ],
)
def test_a_title_is_left(said: str, title: str) -> None:
    assert clean_title(said) == title


@pytest.mark.parametrize(
    "said", ["", "\n \n", "<think>without end", "<think>only</think>", "...", "👋", '""', "x" * 101, "#" * 5000]
)
def test_nothing_is_left(said: str) -> None:
    assert clean_title(said) is None


def test_a_long_title_is_cut_between_words() -> None:
    title = clean_title("word " * 20)
    assert title is not None
    assert title.startswith("word word")
    assert title.endswith("word…")
    assert len(title) <= TITLE_LENGTH
    assert clean_title("가" * 100) == "가" * (TITLE_LENGTH - 1) + "…"
