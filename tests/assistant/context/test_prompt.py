"""Tool results fit into the rest of the window: old results are shortened first and marked."""

from typing import Any

from basechat.assistant.context.prompt import fit_steps
from basechat.kit.tokens import estimate_messages


def _steps(*results: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for number, result in enumerate(results):
        call = {"id": f"c{number}", "type": "function", "function": {"name": "fetch_page", "arguments": "{}"}}
        steps.append({"role": "assistant", "content": None, "tool_calls": [call]})
        steps.append({"role": "tool", "tool_call_id": f"c{number}", "content": result})
    return steps


def _page(words: int) -> str:
    return " ".join(f"word{n}" for n in range(words))


def test_what_fits_stays_as_it_is() -> None:
    steps = _steps(_page(100), _page(100))
    assert fit_steps(steps, estimate_messages(steps)) == steps
    assert fit_steps([], 0) == []


def test_the_oldest_results_are_shortened_first() -> None:
    steps = _steps(_page(1000), _page(1000), _page(1000))
    room = estimate_messages(steps) - 5000
    fitted = fit_steps(steps, room)
    assert estimate_messages(fitted) <= room
    assert ["left out" in step["content"] for step in fitted if step["role"] == "tool"] == [True, True, False]
    assert [step["role"] for step in fitted] == [step["role"] for step in steps]
    assert steps == _steps(_page(1000), _page(1000), _page(1000))  # what was given is not changed


def test_where_shortening_is_not_enough_whole_steps_go() -> None:
    steps = _steps(*(_page(500) for _ in range(12)))
    fitted = fit_steps(steps, 600)
    assert estimate_messages(fitted) <= 600
    assert fitted[0]["role"] == "assistant"
    assert fitted[-1]["tool_call_id"] == "c11"
    assert {step["tool_call_id"] for step in fitted if step["role"] == "tool"} == {
        call["id"] for step in fitted for call in step.get("tool_calls", [])
    }


def test_the_last_step_stays_whatever_the_room() -> None:
    assert [step["role"] for step in fit_steps(_steps("a", _page(500)), 0)] == ["assistant", "tool"]
