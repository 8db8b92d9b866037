"""How the tokens of a model's window are shared out between the chat and everything else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from basechat.chat.runs.answer import RunRequest, Turn

FULL = 0.75  # of the window: beyond it, the older part of the chat is told in brief
LOW = 0.40  # what is left in the window after that
_ANSWER_SHARE = 8  # one part in so many is for the answer, where nobody says how long it may be
_ANSWER_MOST = 4096
_CORRECTION = (0.5, 3.0)
_TRUST = 500  # tokens from which on it is believed that a text is less than estimated: a short one says little


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Tokens as estimated here: the window, and what of it is taken by the answer, the instructions and the tools."""

    window: int
    taken: int

    def less(self, tokens: int) -> "Budget":
        """Return what is left when so many more are taken."""
        return replace(self, taken=self.taken + tokens)

    @property
    def full(self) -> int:
        """What the chat may take before its older part is told in brief."""
        return int(self.window * FULL) - self.taken

    @property
    def low(self) -> int:
        """What the chat should take after that."""
        return int(self.window * LOW) - self.taken

    @property
    def most(self) -> int:
        """What the chat can take at all."""
        return self.window - self.taken

    @property
    def summary(self) -> int:
        """How long the older part may be when it is told in brief."""
        return min(self.window // 16, 2000)

    @property
    def piece(self) -> int:
        """How much of the chat the model is given to tell in brief at a time."""
        return self.window // 2


def budget_for(question: RunRequest, window: int) -> Budget:
    """Return the budget of an answer, its estimates corrected by what the provider counted last."""
    correction = correction_for(question.messages, question.model)
    wanted = question.max_tokens or min(window // _ANSWER_SHARE, _ANSWER_MOST)
    return Budget(window=int(window / correction), taken=int(min(wanted, window // 2) / correction))


def correction_for(turns: Sequence[Turn], model: str | None) -> float:
    """Return how many tokens the model's provider counts where one is estimated, by the newest answer that tells."""
    for turn in reversed(turns):
        counted = turn["context"] or {}
        estimated, told = _count(counted.get("estimated")), _count(counted.get("prompt_tokens"))
        if estimated and told and counted.get("model") == model:
            least, most = _CORRECTION
            ratio = max(told / estimated, (told + _TRUST) / (estimated + _TRUST))
            return min(max(ratio, least), most)
    return 1.0


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
