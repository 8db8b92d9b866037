"""The provider's last count for a model corrects the estimates, within bounds."""

from typing import Any

import pytest

from basechat.assistant.context.budget import TokenBudget, correction_for
from basechat.chat.runs.answer import Turn


def _answer(**context: Any) -> Turn:
    return Turn(id="1", role="assistant", content="hi", context={"model": "echo"} | context)


QUESTION = Turn(id="2", role="user", content="hi", context=None)


@pytest.mark.parametrize(
    ("estimated", "counted", "correction"),
    [
        (10_000, 12_000, 1.2),
        (100, 200, 2.0),
        (100, 1000, 3.0),  # at most
        (1_000_000, 10_000, 0.5),  # at least
        (9500, 4500, 0.5),
        (100, 40, 0.9),  # a short prompt says little
    ],
)
def test_the_correction_is_bounded(estimated: int, counted: int, correction: float) -> None:
    turns = [_answer(estimated=estimated, prompt_tokens=counted), QUESTION]
    assert correction_for(turns, "echo") == pytest.approx(correction)


def test_the_newest_answer_of_the_model_counts() -> None:
    turns = [
        _answer(estimated=1000, prompt_tokens=3000),
        _answer(estimated=1000, prompt_tokens=2000),
        _answer(estimated=1000, prompt_tokens=1000, model="other"),
        _answer(estimated=1000, prompt_tokens=None),
        QUESTION,
    ]
    assert correction_for(turns, "echo") == 2
    assert correction_for(turns, "other") == 1
    assert correction_for(turns, None) == 1


@pytest.mark.parametrize("context", [{}, {"estimated": 0, "prompt_tokens": 5}, {"estimated": "1", "prompt_tokens": []}])
def test_what_can_not_be_read_corrects_nothing(context: dict[str, Any]) -> None:
    assert correction_for([_answer(**context), QUESTION], "echo") == 1


def test_a_window_is_shared_out() -> None:
    budget = TokenBudget(window=4096, taken=512).less(1000)
    assert (budget.full, budget.low, budget.most) == (1560, 126, 2584)
    assert (budget.summary, budget.piece) == (256, 2048)
