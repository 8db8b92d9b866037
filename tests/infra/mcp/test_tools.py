"""Names that models call tools by: valid for every provider, each tool its own, and the same from day to day."""

import random
import re

import pytest

from basechat.infra.mcp.tools import function_names

VALID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def test_plain_names_stay_as_they_are() -> None:
    assert function_names("github", ["create_issue", "list-issues"], ()) == {
        "create_issue": "github__create_issue",
        "list-issues": "github__list-issues",
    }


@pytest.mark.parametrize(
    "tools",
    [
        ["a.b", "a_b", "a b", "a/b", "a–b"],
        ["검색", "번역", "요약"],
        ["x" * 64, "x" * 65, "x" * 128, "x" * 64 + ".", "x" * 64 + "_"],
        ["", " ", "_", "__"],
        [f"tool {n}" for n in range(200)],
    ],
)
def test_each_tool_has_a_valid_name_of_its_own(tools: list[str]) -> None:
    names = function_names("my-server", tools, ())
    assert list(names) == tools
    assert len(set(names.values())) == len(tools)
    assert all(VALID.fullmatch(name) and name.startswith("my-server__") for name in names.values())


def test_names_do_not_depend_on_the_order_of_tools() -> None:
    tools = ["a.b", "a_b", "a b", "검색", "번역", *("x" * n for n in range(40, 90))]
    expected = function_names("s", tools, ())
    for seed in range(20):
        shuffled = random.Random(seed).sample(tools, len(tools))  # noqa: S311 - an order
        assert function_names("s", shuffled, ()) == expected


def test_a_new_tool_changes_no_other_name() -> None:
    before = function_names("s", ["a_b", "c"], ())
    after = function_names("s", ["a.b", "a_b", "c", "a b"], ())
    assert before.items() <= after.items()


def test_names_that_are_taken_are_not_given() -> None:
    taken = {"s__a", *function_names("s", ["a"], {"s__a"}).values()}
    (name,) = function_names("s", ["a"], taken).values()
    assert name not in taken
    assert VALID.fullmatch(name)


def test_a_name_with_a_suffix_is_not_given_to_another_tool() -> None:
    (marked,) = {name for tool, name in function_names("s", ["a.b", "a_b"], ()).items() if tool == "a.b"}
    names = function_names("s", ["a.b", "a_b", marked.removeprefix("s__")], ())
    assert len(set(names.values())) == 3
    assert names[marked.removeprefix("s__")] == marked
