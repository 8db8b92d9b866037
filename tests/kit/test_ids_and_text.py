"""Identifiers, first lines, and text that can be stored."""

import pytest
from pydantic import TypeAdapter, ValidationError

from basechat.kit.ids import new_id
from basechat.kit.text import Text, first_line


def test_new_ids_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        (" \n\t\n", ""),
        ("one", "one"),
        ("\n\n  two \nthree", "two"),
        ("a\rb", "a"),
        ("가" * 80, "가" * 80),
        ("가" * 81, "가" * 79 + "…"),
        ("x" * 78 + "  yz", "x" * 78 + "…"),
    ],
)
def test_first_line(text: str, line: str) -> None:
    assert first_line(text) == line
    assert len(line) <= 80


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\udc00\ud800"])
def test_text_that_postgresql_can_not_store_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Text).validate_python(text)


def test_every_other_character_is_kept() -> None:
    text = "\x01\x7f\u2028\ufeff\U0010ffff 한\u1112\u1161"
    assert TypeAdapter(Text).validate_python(text) == text
