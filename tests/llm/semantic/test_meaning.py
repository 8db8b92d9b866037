"""The rules by which two questions ask the same: on labelled pairs, on pairs thought up against them, on any text."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basechat.llm.semantic.meaning import LONGEST, Meaning, read, same, similarity
from tests.llm.semantic import labelled
from tests.llm.semantic.interval import interval
from tests.llm.semantic.labelled import Pair
from tests.llm.semantic.matchers import says_the_same

KINDS = {"number", "name", "negation", "time", "direction", "qualifier"}

LINES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=80)
QUESTIONS = st.sampled_from([pair.one for pair in labelled.read("judging") if read(pair.one)])


def _meaning(text: str) -> Meaning:
    meaning = read(text)
    assert meaning is not None
    return meaning


def test_the_judging_set_is_as_large_as_its_verdict_needs() -> None:
    pairs = labelled.read("judging")
    kinds = Counter(pair.kind for pair in pairs if not pair.same)
    assert set(kinds) == KINDS
    assert kinds.total() >= 400
    assert min(kinds.values()) >= 60
    assert sum(pair.same for pair in pairs) >= 200


def test_the_sets_share_no_question() -> None:
    tuning, judging = (
        {text for pair in labelled.read(name) for text in (pair.one, pair.other)} for name in labelled.SETS
    )
    assert not tuning & judging


@pytest.mark.parametrize("name", labelled.SETS)
def test_no_labelled_pair_that_differs_is_matched(name: labelled.Set) -> None:
    pairs = [*labelled.read(name), *labelled.read_crossed(name)]
    assert [pair for pair in pairs if not pair.same and says_the_same(pair)] == []


def test_a_quarter_of_the_pairs_of_the_same_meaning_is_matched() -> None:
    pairs = [pair for pair in labelled.read("judging") if pair.same]
    assert sum(map(says_the_same, pairs)) / len(pairs) >= 0.25


def test_of_what_somebody_else_wrote_before_seeing_a_rule_at_most_one_in_a_hundred_is_wrong() -> None:
    pairs = [pair for pair in labelled.read_blind() if not pair.same]
    assert len(pairs) >= 400
    assert sum(map(says_the_same, pairs)) / len(pairs) <= 0.01


@pytest.mark.parametrize("pair", labelled.read_attacks(), ids=lambda pair: f"{pair.one} | {pair.other}")
def test_what_is_thought_up_against_the_rules(pair: Pair) -> None:
    assert says_the_same(pair) == pair.same


def test_equal_meanings_have_one_gist() -> None:
    pairs = [*labelled.read("tuning"), *labelled.read("judging"), *labelled.read_attacks()]
    matched = [pair for pair in pairs if says_the_same(pair)]
    assert [pair for pair in matched if _meaning(pair.one).gist != _meaning(pair.other).gist] == []


@given(LINES)
def test_any_line_means_what_it_means(text: str) -> None:
    meaning = read(text)
    assert meaning is None or (same(meaning, meaning) and similarity(meaning, meaning) == 1)


@given(QUESTIONS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_another_number_is_another_question(question: str, one: int, other: int) -> None:
    texts = (f"{question} {number}" for number in (one, other))
    assert same(*map(_meaning, texts)) == (one == other)


@given(QUESTIONS, QUESTIONS)
def test_matching_is_symmetric(one: str, other: str) -> None:
    assert same(_meaning(one), _meaning(other)) == same(_meaning(other), _meaning(one))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "?",
        "What is this?\nx = 1",
        "a" * (LONGEST + 1),
        "Translate dog",
        "문장을 고쳐 줘",
        "Shorten: I am here",
    ],
)
def test_what_is_no_single_question_or_about_its_own_words_is_not_read(text: str) -> None:
    assert read(text) is None


def test_similarity_tells_how_near_the_wordings_are() -> None:
    question, near, far = map(_meaning, ["What is DNS?", "What is DNS", "Name a fish."])
    assert similarity(question, near) > 0.9
    assert similarity(question, far) < 0.3


@pytest.mark.parametrize(
    ("hits", "of", "bounds"),
    [(0, 467, (0.0, 0.00787)), (4, 400, (0.00273, 0.02541)), (76, 258, (0.2397, 0.3543)), (5, 5, (0.47818, 1.0))],
)
def test_intervals_are_those_of_clopper_and_pearson(hits: int, of: int, bounds: tuple[float, float]) -> None:
    assert interval(hits, of) == pytest.approx(bounds, abs=5e-5)
