"""The token budget of a prompt: the windows of the models, and their division between the chat and the rest."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from basechat.chat.runs.answer import RunRequest, Turn
from basechat.infra.agent_client import AgentClient, AgentError
from basechat.kit.tasks import cancel_and_wait
from basechat.protocol import Caller

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
RETRY_SECONDS = 2.0
_FIRST_SECONDS = 2.0  # the longest wait of a message for the very first list

FULL = 0.75  # of the window: beyond it, the older part of the chat is summarised
LOW = 0.40  # of the window that is in use after that
_ANSWER_SHARE = 8  # the part of the window for an answer without `max_tokens`
_ANSWER_MOST = 4096
_CORRECTION = (0.5, 3.0)
_TRUST = 500  # a short text says little about a model that counts fewer tokens than estimated


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBudget:
    """Estimated tokens: the window, and the part that the answer, the instructions and the tools take."""

    window: int
    taken: int

    def less(self, tokens: int) -> "TokenBudget":
        return replace(self, taken=self.taken + tokens)

    @property
    def full(self) -> int:
        # The size of a chat beyond which its older part is summarised.
        return int(self.window * FULL) - self.taken

    @property
    def low(self) -> int:
        return int(self.window * LOW) - self.taken

    @property
    def most(self) -> int:
        return self.window - self.taken

    @property
    def summary(self) -> int:
        return min(self.window // 16, 2000)

    @property
    def piece(self) -> int:
        # The size of the part of a chat that the model summarises at a time.
        return self.window // 2


def budget_for(run: RunRequest, window: int) -> TokenBudget:
    # The budget of an answer, corrected by the provider's last count of tokens.
    correction = correction_for(run.messages, run.model)
    wanted = run.max_tokens or min(window // _ANSWER_SHARE, _ANSWER_MOST)
    return TokenBudget(window=int(window / correction), taken=int(min(wanted, window // 2) / correction))


def correction_for(turns: Sequence[Turn], model: str | None) -> float:
    # Tokens that the provider counts per estimated token, by the newest answer of the same model.
    for turn in reversed(turns):
        context = turn["context"] or {}
        estimated, counted = _count(context.get("estimated")), _count(context.get("prompt_tokens"))
        if estimated and counted and context.get("model") == model:
            least, most = _CORRECTION
            ratio = max(counted / estimated, (counted + _TRUST) / (estimated + _TRUST))
            return min(max(ratio, least), most)
    return 1.0


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


class ModelWindows:
    """Context windows from llm-agent's list of models, refreshed in the background.

    Only messages before the first list wait for it, for a short time.
    """

    def __init__(self, agent: AgentClient, *, default: int) -> None:
        self._agent = agent
        self._default = default
        self._windows: dict[str | None, int] = {}
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._reading is not None:
            await cancel_and_wait(self._reading)

    async def window_for(self, run: RunRequest) -> int:
        """Window of the model of a run in tokens; the default if it is unknown."""
        if self._is_old(run.model) and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(run))
        if self._read_at is None and self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_FIRST_SECONDS)
        return self._windows.get(run.model, self._default)

    def _is_old(self, model: str | None) -> bool:
        if self._read_at is None:
            return True
        age = asyncio.get_running_loop().time() - self._read_at
        return age > (FRESH_SECONDS if model in self._windows else RETRY_SECONDS)

    async def _read(self, run: RunRequest) -> None:
        """Read the list. After a failure the last list stays."""
        caller = Caller(owner_id=run.owner_id, run_id=run.run_id, attempt=run.attempt)
        try:
            self._windows = _parse_windows(await self._agent.list_models(caller))
        except (AgentError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the windows of the models can't be read: %s", str(error) or type(error).__name__)
        self._read_at = asyncio.get_running_loop().time()


def _parse_windows(models: Sequence[dict[str, Any]]) -> dict[str | None, int]:
    """Windows by name, with and without the provider. The first model is the default one."""
    found: dict[str | None, int] = {}
    for at, model in enumerate(models):
        if isinstance(window := model.get("context_window"), int):
            name = model["id"]
            found |= {name: window, f"{model['owned_by']}/{name}": window} | ({} if at else {None: window})
    return found
