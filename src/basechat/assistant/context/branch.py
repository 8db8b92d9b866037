"""What of a chat goes into a prompt: all of it, or its older part in brief and the newest messages as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Protocol

from basechat.assistant.context.brief import tell
from basechat.assistant.context.budget import Budget
from basechat.assistant.context.windows import Windows
from basechat.assistant.model import ModelClient
from basechat.chat.runs.answer import AnswerError, RunRequest, Turn
from basechat.kit.tokens import Message, estimate, estimate_message, estimate_messages, shorten

_WORTH = 1.5  # a part that is not longer than this many summaries is no shorter in brief
_MARK = 30  # tokens that say what came before
_RETRY_AFTER = 3  # answers without another try, where the model could not tell: each try reads the whole chat

_IN_BRIEF = "[What came before in this chat, in brief]\n{summary}\n\n[The chat goes on]\n{content}"
_LEFT_OUT = "[Earlier messages of this chat are left out here: they are too long]\n\n{content}"


class Summaries(Protocol):
    """Keeps what was told in brief."""

    async def keep(self, request: RunRequest, message_id: str, content: str) -> str:
        """Keep the chat up to and including a message, told in brief; returns what is kept of it, by whomever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptParts:
    """What prompts are made with."""

    model: ModelClient
    windows: Windows
    summaries: Summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of a chat the model sees, and about how many tokens that is.

    `left_out` counts messages that it sees neither whole nor in brief, `spent` the tokens that telling took.
    """

    messages: list[Message]
    size: int
    summarised: bool = False
    left_out: int = 0
    spent: int = 0


async def fit_branch(question: RunRequest, budget: Budget, parts: PromptParts) -> View:
    """Return what of the chat goes into the prompt; raises `AnswerError` where not even the question fits."""
    view = _view(question.messages, question.summary)
    if view.size <= budget.full:
        return view
    if (size := estimate_message(question.messages[-1])) > budget.most:
        raise _too_long(size, budget)
    view = await _compacted(question, budget, parts)
    if view.size > budget.most:
        raise _too_long(view.size, budget)
    return view


async def _compacted(question: RunRequest, budget: Budget, parts: PromptParts) -> View:
    turns, summary = question.messages, question.summary or ""
    sizes, before = [estimate_message(turn) for turn in turns], estimate(summary)
    cut = _first_kept(turns, sizes, budget.low - budget.summary)
    space = budget.most
    if cut and before + sum(sizes[:cut]) > budget.summary * _WORTH:
        if _may_try(turns) and (told := await tell(question, turns[:cut], budget, parts.model)):
            kept = await parts.summaries.keep(question, turns[cut - 1]["id"], told.text)
            return _view(turns[cut:], kept, summarised=True, left_out=told.left_out, spent=told.tokens)
        space = budget.full
    cut = _first_kept(turns, sizes, space - before - _MARK)
    if before + sizes[-1] > budget.most:  # it was told for a model with a larger window
        summary = shorten(summary, budget.summary)
    return _view(turns[cut:], summary, left_out=cut)


def _may_try(turns: Sequence[Turn]) -> bool:
    """Return whether the model is asked to tell in brief, by how many of the newest answers it could not."""
    contexts = [turn["context"] or {} for turn in reversed(turns) if turn["role"] == "assistant"]
    failed = takewhile(lambda context: context.get("left_out") and not context.get("summarised"), contexts)
    return len(list(failed)) % (_RETRY_AFTER + 1) == 0


def _view(turns: Sequence[Turn], summary: str | None, *, left_out: int = 0, **known: Any) -> View:
    """Return what the model sees, with what came before told at the beginning of the first message.

    There it is a person's word. What a web page has slipped into a chat must not come to speak as the system.
    """
    messages: list[Message] = [{"role": turn["role"], "content": turn["content"]} for turn in turns]
    content = messages[0]["content"]
    if summary:
        messages[0]["content"] = _IN_BRIEF.format(summary=summary, content=content)
    elif left_out:
        messages[0]["content"] = _LEFT_OUT.format(content=content)
    return View(messages=messages, size=estimate_messages(messages), left_out=left_out, **known)


def _first_kept(turns: Sequence[Turn], sizes: Sequence[int], space: int) -> int:
    """Return where the newest messages begin that fit; the question always does.

    They begin with a person's message: not every provider takes a chat that begins with an answer.
    """
    first, used = len(turns) - 1, sizes[-1]
    for at in reversed(range(first)):
        used += sizes[at]
        if used > space:
            break
        if turns[at]["role"] == "user":
            first = at
    return first


def _too_long(size: int, budget: Budget) -> AnswerError:
    detail = (
        f"This message is too long for the model: about {size:,} tokens, and {max(budget.most, 0):,} fit beside the"
        " instructions, the tools and the answer. Shorten or split the message, switch tools off, or choose a model"
        " with a larger context window."
    )
    return AnswerError("context.too_long", detail)
