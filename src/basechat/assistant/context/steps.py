"""Steps of tools within one answer: the calls that the model made and what came of them, kept within what is left."""

from collections.abc import Sequence

from basechat.kit.tokens import Message, estimate, estimate_message, estimate_messages, shorten

_LEAST = 100  # tokens that stay of a result


def fit_steps(steps: Sequence[Message], room: int) -> list[Message]:
    """Return the steps, within so many tokens where that can be.

    Results of tools are shortened, the oldest first, each saying what was left out of it. Where that is not enough,
    the oldest steps are left out whole, a call never without its results.
    """
    fitted = _shortened(steps, estimate_messages(steps) - room)
    while estimate_messages(fitted) > room and (rest := _without_first(fitted)):
        fitted = rest
    return fitted


def _shortened(steps: Sequence[Message], excess: int) -> list[Message]:
    fitted = list(steps)
    for at, step in enumerate(steps):
        if excess > 0 and step["role"] == "tool":
            short = shorten(step["content"], max(estimate(step["content"]) - excess, _LEAST))
            fitted[at] = step | {"content": short}
            excess -= estimate_message(step) - estimate_message(fitted[at])
    return fitted


def _without_first(steps: Sequence[Message]) -> list[Message]:
    """Return what follows the first step; a step begins where the model speaks."""
    return list(steps[next((at for at, step in enumerate(steps) if at and step["role"] == "assistant"), len(steps)) :])
